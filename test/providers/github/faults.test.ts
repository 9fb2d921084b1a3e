import { expect, it, onTestFinished, vi } from 'vitest';
import { createGitHubHost } from '../../../providers/github/adapter.ts';
import { gitHubError } from '../../../providers/github/error.ts';
import { gitHubWorld } from './world.ts';

const faults = [
  [{ status: 403 }, { code: 'denied', isTransient: false }],
  [{ status: 404 }, { code: 'not-found', isTransient: false }],
  [{ status: 409 }, { code: 'conflict', isTransient: true }],
  [{ status: 410 }, { code: 'not-found', isTransient: false }],
  [{ status: 422 }, { code: 'invalid', isTransient: false }],
  [
    { status: 429, retryAfterSeconds: 7 },
    { code: 'rate-limited', retryAfterMs: 7_000, isTransient: true },
  ],
  [
    { status: 403, retryAfterSeconds: 9 },
    { code: 'rate-limited', retryAfterMs: 9_000, isTransient: true },
  ],
  [{ status: 429 }, { code: 'rate-limited', retryAfterMs: 60_000, isTransient: true }],
  [{ status: 500 }, { code: 'unavailable', isTransient: true }],
  [{ status: 502 }, { code: 'unavailable', isTransient: true }],
  [
    { status: 503, retryAfterSeconds: 3 },
    { code: 'unavailable', retryAfterMs: 3_000, isTransient: true },
  ],
] as const;

it('turns each answer into a code, after one request', async () => {
  const { host, repository, headSha, embedded } = await gitHubWorld();
  await host.listFiles(repository, headSha);
  for (const [fault, error] of faults) {
    // One request meets the fault: if it were repeated, the call would succeed.
    embedded.faults.set({ ...fault, match: /git\/trees/, times: 1 });
    await expect(host.listFiles(repository, headSha)).rejects.toMatchObject({ name: 'GitHostError', ...error });
    await expect(host.listFiles(repository, headSha)).resolves.toMatchObject({ isComplete: true });
  }
});

it('waits until the hourly limit is reset, where GitHub says when', () => {
  vi.useFakeTimers({ now: new Date('2026-01-01T00:00:00Z') });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const limited = (headers: Readonly<Record<string, string>>) =>
    gitHubError(
      'Listing files',
      Object.assign(new Error('API rate limit exceeded'), { status: 403, response: { headers } }),
    );
  const inHalfAMinute = String(Date.parse('2026-01-01T00:00:30Z') / 1_000);
  expect(limited({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inHalfAMinute })).toMatchObject({
    code: 'rate-limited',
    retryAfterMs: 30_000,
  });
  expect(limited({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' }).retryAfterMs).toBe(1_000);
  expect(limited({ 'retry-after': 'soon' }).retryAfterMs).toBe(60_000);
});

it('says what was being done, where, and what to do', async () => {
  const { host, repository, headSha, embedded } = await gitHubWorld();
  embedded.faults.set({ status: 403, match: /git\/trees/ });
  await expect(host.listFiles(repository, headSha)).rejects.toMatchObject({
    what: 'Listing files in acme/web',
    why: expect.stringContaining('GitHub answered 403: Injected fault 403'),
    fix: expect.stringContaining('permissions'),
  });
});

it('gives up on a host that does not answer in time', async () => {
  const { host, repository, headSha, embedded } = await gitHubWorld({ timeoutMs: 300 });
  await host.listFiles(repository, headSha);
  embedded.faults.set({ delayMs: 2_000, match: /git\/trees/, times: 1 });
  await expect(host.listFiles(repository, headSha)).rejects.toMatchObject({ code: 'unavailable', isTransient: true });
});

it('says "unavailable" for a host that is down', async () => {
  const { repository, headSha, embedded, host } = await gitHubWorld();
  await host.listFiles(repository, headSha);
  await embedded.stop();
  await expect(host.listFiles(repository, headSha)).rejects.toMatchObject({ code: 'unavailable', isTransient: true });
});

it('says "unavailable" when the very first sign-in fails, and signs in at the next call', async () => {
  const { host, repository, headSha, embedded } = await gitHubWorld();
  embedded.faults.set({ status: 500, match: /access_tokens/, times: 1 });
  await expect(host.listFiles(repository, headSha)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(host.listFiles(repository, headSha)).resolves.toMatchObject({ isComplete: true });
});

it('does not take a fault for an answer', async () => {
  const { host, repository, headSha, people, embedded } = await gitHubWorld();
  embedded.faults.set({ status: 500 });
  const calls = [
    host.permissionOf(repository, people.writer),
    host.readFile(repository, headSha, 'a.txt', { maxBytes: 100 }),
    host.branchHead(repository, 'main'),
    host.pullRequest(repository, 1),
    host.comment(repository, 1, '1'),
  ];
  for (const call of await Promise.allSettled(calls)) expect(call.status).toBe('rejected');
});

it('does not accept a key that is none', async () => {
  const { embedded, repository, headSha } = await gitHubWorld();
  const host = await createGitHubHost({
    appId: 1,
    privateKey: 'no key',
    webhookSecret: 's3cret',
    baseUrl: embedded.apiUrl,
  });
  await expect(host.listFiles(repository, headSha)).rejects.toMatchObject({ name: 'GitHostError' });
});
