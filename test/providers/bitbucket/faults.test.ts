import { inspect } from 'node:util';
import nock from 'nock';
import { afterEach, expect, it } from 'vitest';
import { Sha } from '../../../engine/core/trigger.ts';
import { createBitbucketHost } from '../../../providers/bitbucket/adapter.ts';
import { bitbucketWorld, cloneToken } from './world.ts';

const faults = [
  [{ status: 400 }, { code: 'invalid', isTransient: false }],
  [{ status: 401 }, { code: 'denied', isTransient: false }],
  [{ status: 402 }, { code: 'denied', isTransient: false }],
  [{ status: 403 }, { code: 'denied', isTransient: false }],
  [{ status: 404 }, { code: 'not-found', isTransient: false }],
  [{ status: 409 }, { code: 'conflict', isTransient: true }],
  [{ status: 410 }, { code: 'not-found', isTransient: false }],
  [
    { status: 429, retryAfterSeconds: 7 },
    { code: 'rate-limited', retryAfterMs: 7_000, isTransient: true },
  ],
  [{ status: 429 }, { code: 'rate-limited', retryAfterMs: 60_000, isTransient: true }],
  [
    { status: 429, retryAfterSeconds: 999_999_999 },
    { code: 'rate-limited', retryAfterMs: 3_600_000 },
  ],
  [{ status: 500 }, { code: 'unavailable', isTransient: true }],
  [
    { status: 503, retryAfterSeconds: 3 },
    { code: 'unavailable', retryAfterMs: 3_000, isTransient: true },
  ],
  [{ status: 418 }, { code: 'unexpected', isTransient: false }],
] as const;

it('turns each answer into a code, after one request', async () => {
  const { host, repository, headSha, embedded } = await bitbucketWorld();
  for (const [fault, error] of faults) {
    // One request meets the fault: if it were repeated, the call would succeed.
    embedded.faults.set({ ...fault, match: /\/src\//, times: 1 });
    await expect(host.listFiles(repository, headSha)).rejects.toMatchObject({ name: 'GitHostError', ...error });
    await expect(host.listFiles(repository, headSha)).resolves.toMatchObject({ isComplete: true });
  }
});

it('does not take a fault for an answer', async () => {
  const { host, repository, baseSha, headSha, people, number, embedded } = await bitbucketWorld();
  const calls = [
    () => host.permissionOf(repository, people.writer),
    () => host.readFile(repository, headSha, 'a.txt', { maxBytes: 100 }),
    () => host.branchHead(repository, 'main'),
    () => host.pullRequest(repository, number),
    () => host.comment(repository, number, '1'),
    () => host.ownLogin(),
  ];
  for (const call of calls) {
    embedded.faults.set({ status: 500, times: 1 });
    await expect(call()).rejects.toMatchObject({ code: 'unavailable' });
  }
  // A repository that the bot lost sight of has files, branches and pull requests all the same.
  const gone = { ...repository, id: '{00000000-0000-4000-8000-00000000ffff}' };
  for (const lost of [
    () => host.readFile(gone, headSha, 'a.txt', { maxBytes: 100 }),
    () => host.branchHead(gone, 'main'),
    () => host.pullRequest(gone, number),
    () => host.comment(gone, number, '1'),
    () => host.permissionOf(gone, people.writer),
    () => host.holds(gone, headSha, baseSha),
  ]) {
    await expect(lost()).rejects.toMatchObject({ code: 'not-found' });
  }
});

it('gives up on a host that does not answer in time', async () => {
  const { host, repository, headSha, embedded } = await bitbucketWorld({ timeoutMs: 200 });
  embedded.faults.set({ delayMs: 2_000, match: /\/src\//, times: 1 });
  await expect(host.listFiles(repository, headSha)).rejects.toMatchObject({ code: 'unavailable', isTransient: true });
});

// Exchanges constructed from the published API description: the embedded host does not misbehave like this.
const api = 'https://bitbucket.example';
const token = 'ATATT-constructed-for-tests';
const repository = { provider: 'bitbucket', tenant: 'bitbucket:acme', id: '{u-1}', owner: 'acme', name: 'web' };
const sha = Sha('a'.repeat(40));
const source = `/2.0/repositories/acme/${encodeURIComponent('{u-1}')}/src/${sha}`;

function constructed() {
  nock.disableNetConnect();
  return createBitbucketHost({ apiUrl: `${api}/2.0`, url: api, email: 'bot@example.com', token, cloneToken });
}

afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

it('says what was being done, where, and what to do, and never a token', async () => {
  nock(api)
    .get(`${source}/`)
    .query(true)
    .reply(403, { type: 'error', error: { message: 'Access denied', detail: 'You need more' } });
  const error: unknown = await constructed()
    .listFiles(repository, sha)
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    what: 'Listing files in acme/web',
    why: 'Bitbucket answered 403: Access denied (You need more)',
    fix: expect.stringContaining('BITBUCKET_TOKEN'),
  });
  const all = inspect(error, { depth: 20 });
  for (const secret of [token, cloneToken, Buffer.from(`bot@example.com:${token}`).toString('base64')])
    expect(all).not.toContain(secret);
});

it.each([
  ['a page of a proxy', 200, '<html>', { 'content-type': 'text/html' }, 'unavailable'],
  ['JSON of another shape', 200, '{}', { 'content-type': 'application/json' }, 'unexpected'],
  ['a redirect without end', 302, '', { location: `${api}${source}/` }, 'unavailable'],
  ['a redirect to elsewhere', 302, '', { location: 'https://elsewhere.example/' }, 'invalid'],
] as const)('does not take %s for an answer', async (_name, status, body, headers, code) => {
  nock(api).persist().get(`${source}/`).query(true).reply(status, body, headers);
  const elsewhere = nock('https://elsewhere.example').get('/').reply(200, { values: [] });
  await expect(constructed().listFiles(repository, sha)).rejects.toMatchObject({ code });
  expect(elsewhere.isDone()).toBe(false);
});

it('follows no list to another place, where its token would go with it', async () => {
  nock(api).get(`${source}/`).query(true).reply(200, { values: [], next: 'https://elsewhere.example/2.0/next' });
  const elsewhere = nock('https://elsewhere.example').get('/2.0/next').reply(200, { values: [] });
  await expect(constructed().listFiles(repository, sha)).rejects.toMatchObject({ code: 'invalid' });
  expect(elsewhere.isDone()).toBe(false);
});

it('takes in no answer without an end', async () => {
  nock(api)
    .get(`${source}/a.txt`)
    .query({ format: 'meta' })
    .reply(200, { path: 'a.txt', type: 'commit_file' })
    .get(`${source}/a.txt`)
    .reply(200, 'x'.repeat(33 * 2 ** 20));
  await expect(constructed().readFile(repository, sha, 'a.txt', { maxBytes: 2 ** 30 })).rejects.toMatchObject({
    code: 'invalid',
    why: expect.stringContaining('too large'),
  });
});

it('does not guess a head that moved while it was looked at', async () => {
  const at = `/2.0/repositories/acme/${encodeURIComponent('{u-1}')}`;
  const side = (name: string, hash: string) => ({
    branch: { name },
    commit: { hash },
    repository: { uuid: '{u-1}' },
  });
  nock(api)
    .get(`${at}/pullrequests/7`)
    .reply(200, {
      id: 7,
      title: 'Two',
      state: 'OPEN',
      source: side('topic', 'b'.repeat(12)),
      destination: side('main', 'a'.repeat(12)),
    })
    .get(`${at}/refs/branches`)
    .query(true)
    .reply(200, {
      values: [
        { name: 'main', target: { hash: sha } },
        { name: 'topic', target: { hash: 'c'.repeat(40) } },
      ],
    })
    .get(`${at}/pullrequests/7/commits`)
    .query(true)
    .reply(200, { values: [{ hash: 'c'.repeat(40) }] });
  await expect(constructed().pullRequest(repository, 7)).rejects.toMatchObject({ code: 'conflict', isTransient: true });
});
