import { expect, it } from 'vitest';
import { cloneToken, gitLabWorld, token } from './world.ts';

const faults = [
  [{ status: 400 }, { code: 'invalid', isTransient: false }],
  [{ status: 401 }, { code: 'denied', isTransient: false }],
  [{ status: 403 }, { code: 'denied', isTransient: false }],
  [{ status: 404 }, { code: 'not-found', isTransient: false }],
  [{ status: 409 }, { code: 'conflict', isTransient: true }],
  [{ status: 422 }, { code: 'invalid', isTransient: false }],
  [
    { status: 429, headers: { 'retry-after': '7' } },
    { code: 'rate-limited', retryAfterMs: 7_000, isTransient: true },
  ],
  [
    { status: 429, headers: { 'retry-after': 'soon' } },
    { code: 'rate-limited', retryAfterMs: 60_000 },
  ],
  [
    { status: 429, headers: { 'retry-after': '999999999' } },
    { code: 'rate-limited', retryAfterMs: 3_600_000 },
  ],
  [{ status: 500 }, { code: 'unavailable', isTransient: true }],
  [{ status: 502 }, { code: 'unavailable', isTransient: true }],
  [
    { status: 503, headers: { 'retry-after': '3' } },
    { code: 'unavailable', retryAfterMs: 3_000 },
  ],
  [
    { status: 302, headers: { location: 'http://127.0.0.1:9/' } },
    { code: 'unexpected', isTransient: false },
  ],
  [
    { status: 200, body: '<html>a proxy' },
    { code: 'unavailable', isTransient: true },
  ],
  [
    { status: 200, body: '{}' },
    { code: 'unexpected', isTransient: false },
  ],
] as const;

it('turns each answer into a code, after one request', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld();
  for (const [fault, error] of faults) {
    gitlab.fault({ ...fault, match: /repository\/tree/ });
    const before = gitlab.requests.length;
    await expect(host.listFiles(repository, headSha)).rejects.toMatchObject({ name: 'GitHostError', ...error });
    expect(gitlab.requests).toHaveLength(before + 1);
  }
  await expect(host.listFiles(repository, headSha)).resolves.toMatchObject({ isComplete: true });
});

it('says what was being done, where, and what to do, and never a token', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld();
  gitlab.fault({ status: 403, match: /repository\/tree/ });
  const error: unknown = await host.listFiles(repository, headSha).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    what: 'Listing files in acme/team/web',
    why: 'GitLab answered 403: constructed fault',
    fix: expect.stringContaining('GITLAB_TOKEN'),
  });
  for (const secret of [token, cloneToken]) expect(String(error)).not.toContain(secret);
});

it('gives up on a host that does not answer in time', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld({ timeoutMs: 200 });
  gitlab.fault({ delayMs: 2_000, match: /repository\/tree/ });
  await expect(host.listFiles(repository, headSha)).rejects.toMatchObject({ code: 'unavailable', isTransient: true });
});

it('does not take a fault for an answer', async () => {
  const { host, repository, headSha, people, number, gitlab } = await gitLabWorld();
  const calls = [
    () => host.permissionOf(repository, people.writer),
    () => host.readFile(repository, headSha, 'a.txt', { maxBytes: 100 }),
    () => host.branchHead(repository, 'main'),
    () => host.pullRequest(repository, number),
    () => host.comment(repository, number, '1'),
    () => host.ownLogin(),
  ];
  for (const call of calls) {
    gitlab.fault({ status: 500, match: /./ });
    await expect(call()).rejects.toMatchObject({ code: 'unavailable' });
  }
  // A project that the bot lost sight of has files, branches and requests all the same.
  const gone = { ...repository, id: '8' };
  for (const lost of [
    host.readFile(gone, headSha, 'a.txt', { maxBytes: 100 }),
    host.branchHead(gone, 'main'),
    host.pullRequest(gone, number),
    host.permissionOf(gone, people.writer),
  ]) {
    await expect(lost).rejects.toMatchObject({ code: 'not-found' });
  }
  expect(await host.ownLogin()).toBe('project_7_bot');
});

it('takes in no answer without an end', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld();
  gitlab.fault({ match: /raw$/, status: 200, body: 'x'.repeat(33 * 2 ** 20) });
  await expect(host.readFile(repository, headSha, 'a.txt', { maxBytes: 2 ** 30 })).rejects.toMatchObject({
    code: 'invalid',
    why: expect.stringContaining('too large'),
  });
});
