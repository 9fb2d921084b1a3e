import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { markup } from '../../../app/embedded/git-host/bitbucket/markup.ts';
import { Sha } from '../../../engine/core/trigger.ts';
import { keyOf } from '../../../providers/bitbucket/checks.ts';
import type { CheckAnnotation, CheckRun } from '../../../providers/git-host.ts';
import { signedIn } from '../../app/embedded/git-host/browser.ts';
import { commitFile, git, temporaryFolder } from '../../app/embedded/git-host/running-host.ts';
import { ask } from '../contract-repository.ts';
import { bitbucketWorld, cloneToken } from './world.ts';

const at = new Date('2026-01-01T00:00:00Z');

function ended(
  conclusion: Extract<CheckRun['state'], { status: 'completed' }>['conclusion'],
  facts: Partial<CheckRun> = {},
): CheckRun {
  return {
    name: 'slipway/test',
    externalId: 'run/test',
    state: { status: 'completed', conclusion, startedAt: at, completedAt: at },
    title: 'Ended',
    summary: '',
    annotations: [],
    ...facts,
  };
}

function places(count: number): CheckAnnotation[] {
  return Array.from({ length: count }, (_, index) => ({
    path: 'a.txt',
    startLine: index + 1,
    endLine: index + 3,
    level: 'failure',
    title: `${'t'.repeat(449)}😀`,
    message: 'm'.repeat(3_000),
  }));
}

it('gives names that begin alike keys of their own, within 40 characters', async () => {
  const { host, repository, headSha, statuses } = await bitbucketWorld();
  const names = ['one', 'two'].map((end) => `slipway/${'a long name of a stage '.repeat(4)}${end}`);
  for (const name of names) await host.publishCheck(repository, headSha, ended('success', { name }), undefined);
  const shown = await statuses();
  expect(shown.map(({ name }) => name)).toEqual(names);
  expect(new Set(shown.map(({ key }) => key)).size).toBe(2);
  for (const { key } of shown) expect(key).toMatch(/^[0-9a-f]{40}$/);
});

it('never lets a pull request pass that waits for a person', async () => {
  const { host, repository, headSha, statuses } = await bitbucketWorld();
  const conclusions = ['action_required', 'skipped', 'cancelled', 'timed_out'] as const;
  for (const name of conclusions) await host.publishCheck(repository, headSha, ended(name, { name }), undefined);
  expect((await statuses()).map(({ state }) => state)).toEqual(['INPROGRESS', 'SUCCESSFUL', 'STOPPED', 'FAILED']);
});

it('ties a status to its pull request by the branch, and one that has none to none', async () => {
  const { host, repository, headSha, statuses } = await bitbucketWorld();
  await host.publishCheck(repository, headSha, ended('success', { name: 'ours', branch: 'topic' }), undefined);
  await host.publishCheck(repository, headSha, ended('success', { name: 'of a fork' }), undefined);
  expect((await statuses()).map(({ name, refname }) => [name, refname])).toEqual([
    ['ours', 'topic'],
    ['of a fork', undefined],
  ]);
});

it('keeps statuses within the limits, with the link that Bitbucket demands', async () => {
  const { host, repository, headSha, statuses, embedded } = await bitbucketWorld();
  await host.publishCheck(repository, headSha, ended('success', { title: `${'x'.repeat(253)}😀😀` }), undefined);
  expect(await statuses()).toMatchObject([
    { description: `${'x'.repeat(253)}…`, url: `${embedded.url}/acme/web/commits/${headSha}` },
  ]);
});

it('shows 1,000 places at most and says so; a run that is green takes them away', async () => {
  const { host, repository, headSha, embedded, annotations, api, person } = await bitbucketWorld();
  const key = keyOf('slipway/test');
  await host.publishCheck(repository, headSha, ended('failure', { annotations: places(1_001) }), undefined);
  expect(await annotations(key)).toBe(1_000);
  const url = `${api}/commit/${headSha}/reports`;
  const reports = async () =>
    z
      .object({ values: z.array(z.object({ details: z.string(), result: z.string() })) })
      .parse(await ask(url, person('ann').token));
  expect(await reports()).toMatchObject({
    values: [{ result: 'FAILED', details: expect.stringContaining('The first 1000 of 1001 places') }],
  });
  expect(embedded.requests.byRoute()).toMatchObject({
    'POST /repositories/:workspace/:slug/commit/:sha/reports/:report/annotations': 10,
  });
  // Fewer places in the next run of the same commit: none of the old ones stays.
  await host.publishCheck(repository, headSha, ended('failure', { annotations: places(3) }), undefined);
  expect(await annotations(key)).toBe(3);
  await host.publishCheck(repository, headSha, ended('success'), undefined);
  expect(await reports()).toEqual({ values: [] });
});

it('writes comments that show no tags and no marker', async () => {
  const { host, repository, number, comments } = await bitbucketWorld();
  const body =
    'Hello\n\n<details><summary>More</summary>\n\ninside\n</details>\n\n<sub>small</sub> `<sub>code</sub>`\n\n```\n<b>log</b>\n```';
  await host.ensureComment(repository, number, { marker: '<!-- slipway answer 7 -->', body }, undefined);
  await host.addComment(repository, number, body);
  const [kept, added] = (await comments()).map((comment) => markup(comment.body));
  for (const shown of [kept, added]) {
    expect(
      shown
        ?.replaceAll(/<[^>]+>/g, '')
        .split(/\n+/)
        .join('|'),
    ).toBe('Hello|More|inside|small &lt;sub&gt;code&lt;/sub&gt;|&lt;b&gt;log&lt;/b&gt;|');
  }
});

it('shows people by their names', async () => {
  const { host, repository, number, people, comments, embedded, person } = await bitbucketWorld();
  const escapedId = people.writer.replaceAll('-', '\\-');
  await host.addComment(repository, number, `${escapedId}: by ${people.reader}, not \`${people.writer}\``);
  const raw = (await comments())[0]?.body;
  expect(raw).toBe(`@{${people.writer}}: by @{${people.reader}}, not \`${people.writer}\``);
  const ann = await signedIn(embedded, 'ann');
  expect(person('ann').login).toBe('ann');
  expect(await (await ann.get('/acme/web/pull/1')).text()).toContain('<strong>@ann</strong>: by <strong>@bob</strong>');
});

it('does not take a comment for its own that is gone', async () => {
  const { host, repository, number, comments, deleteComment } = await bitbucketWorld();
  const write = (body: string, known?: string) =>
    host.ensureComment(repository, number, { marker: '<!-- m -->', body }, known);
  const first = await write('one');
  await deleteComment(first);
  expect(await host.comment(repository, number, first)).toBeUndefined();
  const second = await write('two');
  expect(second).not.toBe(first);
  expect(await comments()).toHaveLength(1);
});

it('tells nobody a right who has none, and asks by the id that no name can fake', async () => {
  const { host, repository, people, embedded } = await bitbucketWorld();
  for (const name of ['ann', '" OR permission = "admin', '{00000000-0000-4000-8000-0000000003f2}', '../../user'])
    expect(await host.permissionOf(repository, name)).toBe('none');
  embedded.faults.set({ status: 403, match: /permissions/, times: 1 });
  await expect(host.permissionOf(repository, people.writer)).rejects.toMatchObject({ code: 'denied' });
  expect(await host.permissionOf(repository, people.writer)).toBe('write');
});

it('tells a fork and its head, and a draft', async () => {
  const { host, repository, number, embedded, api, person } = await bitbucketWorld();
  const { token } = person('bob');
  await ask(`${api}/forks`, token, { method: 'POST', body: {} });
  const fork = await temporaryFolder();
  await git(fork, 'clone', '--quiet', `${embedded.url.replace('://', `://bob:${token}@`)}/bob/web.git`, '.');
  await git(fork, 'switch', '--quiet', '-c', 'theirs');
  const headSha = Sha(await commitFile(fork, 'c.txt', 'c\n', 'Theirs'));
  await git(fork, 'push', '--quiet', 'origin', 'theirs');
  const source = { branch: { name: 'theirs' }, repository: { full_name: 'bob/web' } };
  const made = await ask(`${api}/pullrequests`, token, {
    method: 'POST',
    body: { title: 'Theirs', draft: true, source, destination: { branch: { name: 'main' } } },
  });
  const { id } = z.object({ id: z.number() }).parse(made);
  expect(await host.pullRequest(repository, id)).toMatchObject({ isFork: true, isDraft: true, headSha });
  // Its statuses belong to the fork, where the bot has no rights: that is no fault.
  expect(await host.publishCheck(repository, headSha, ended('success'), undefined)).toBe(keyOf('slipway/test'));
  expect((await host.openPullRequests(repository)).map((pull) => pull.number).sort()).toEqual([number, id]);
  expect(await host.pullRequest(repository, number)).toMatchObject({ isFork: false, isDraft: false });
});

it('lists open pull requests in a few requests, however many', async () => {
  const { host, repository, embedded, api, person, clone } = await bitbucketWorld();
  for (let index = 0; index < 12; index += 1) {
    await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/more/${index}"quoted"`);
    const source = { branch: { name: `more/${index}"quoted"` } };
    await ask(`${api}/pullrequests`, person('ann').token, { method: 'POST', body: { title: `${index}`, source } });
  }
  embedded.requests.reset();
  expect(await host.openPullRequests(repository)).toHaveLength(13);
  expect(embedded.requests.total).toBe(2);
});

it('finds the comparison in the right order, and the old name of a renamed file too', async () => {
  const { host, repository, headSha, clone } = await bitbucketWorld();
  await git(clone, 'mv', 'b.txt', 'moved.txt');
  await git(clone, 'commit', '--quiet', '-m', 'Move');
  await git(clone, 'push', '--quiet', 'origin', 'topic');
  const moved = Sha(await git(clone, 'rev-parse', 'HEAD'));
  expect(await host.changedFiles(repository, headSha, moved)).toEqual({
    paths: ['moved.txt', 'b.txt'],
    isComplete: true,
  });
  // From where the two parted: what only the base has is no change of the head.
  expect(await host.changedFiles(repository, moved, headSha)).toEqual({ paths: [], isComplete: true });
});

it('reads every page', async () => {
  const { host, repository, number, clone, comment } = await bitbucketWorld();
  await mkdir(join(clone, 'many'));
  for (let index = 0; index < 230; index += 1) await writeFile(join(clone, `many/${index}.txt`), '');
  const sha = Sha(await commitFile(clone, 'last.txt', '', 'Many'));
  await git(clone, 'push', '--quiet', 'origin', 'topic');
  const { paths, isComplete } = await host.listFiles(repository, sha);
  expect({ count: new Set(paths).size, isComplete }).toEqual({ count: 234, isComplete: true });
  for (let index = 0; index < 110; index += 1) await comment(`Comment ${index}`);
  const marked = { marker: '<!-- m -->', body: 'one' };
  const id = await host.ensureComment(repository, number, marked, undefined);
  expect(await host.ensureComment(repository, number, { ...marked, body: 'two' }, undefined)).toBe(id);
});

it('says so when it does not see every file: too deep, or too much for Bitbucket', async () => {
  const { host, repository, headSha, embedded, clone } = await bitbucketWorld();
  embedded.faults.set({ status: 555, match: /\/src\//, times: 1 });
  expect(await host.listFiles(repository, headSha)).toMatchObject({ isComplete: true });
  embedded.faults.set({ status: 555, match: /\/src\//, times: 2 });
  expect(await host.listFiles(repository, headSha)).toEqual({ paths: ['a.txt', 'b.txt'], isComplete: false });
  const deep = Array.from({ length: 25 }, () => 'd').join('/');
  await mkdir(join(clone, deep), { recursive: true });
  const sha = Sha(await commitFile(clone, `${deep}/deep.txt`, '', 'Deep'));
  await git(clone, 'push', '--quiet', 'origin', 'topic');
  expect(await host.listFiles(repository, sha)).toMatchObject({ isComplete: false });
});

it('reads files as they are, and refuses what is no text', async () => {
  const { host, repository, clone } = await bitbucketWorld();
  await commitFile(clone, 'a.json', '{"a": 1}', 'JSON');
  await commitFile(clone, 'empty.txt', '', 'Empty');
  await writeFile(join(clone, 'a.bin'), Buffer.from([0xff, 0xfe, 0x00]));
  const sha = Sha(await commitFile(clone, 'more.txt', 'more', 'Binary'));
  await git(clone, 'push', '--quiet', 'origin', 'topic');
  const read = (path: string) => host.readFile(repository, sha, path, { maxBytes: 100 });
  expect(await read('a.json')).toBe('{"a": 1}');
  expect(await read('empty.txt')).toBe('');
  await expect(read('a.bin')).rejects.toMatchObject({ code: 'invalid', why: 'It is no UTF-8 text' });
});

it('gives pods the token that reads alone', async () => {
  const { host, repository, embedded } = await bitbucketWorld();
  expect(await host.cloneAccess(repository)).toEqual({
    url: `${embedded.url}/acme/web.git`,
    credential: { username: 'x-token-auth', password: cloneToken },
  });
});
