import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commitFile, git, octokitWith, startWorld, statusOf } from './running-host.ts';

const at = { owner: 'acme', repo: 'web' };

it('reads files, trees, commits, refs and comparisons, also on branches with slashes', async () => {
  const world = await startWorld();
  await mkdir(join(world.clone, 'src/deep'), { recursive: true });
  await writeFile(join(world.clone, 'src/deep/ünïcode file.txt'), 'text\n');
  const first = await commitFile(world.clone, 'a.txt', 'one\n', 'Start');
  await git(world.clone, 'push', '--quiet', 'origin', 'main');
  await git(world.clone, 'switch', '--quiet', '-c', 'feature/with/slashes');
  await git(world.clone, 'mv', 'a.txt', 'moved.txt');
  const second = await commitFile(world.clone, '"quoted".txt', 'q\n', 'Move');
  await git(world.clone, 'tag', 'v1');
  await git(world.clone, 'push', '--quiet', 'origin', 'feature/with/slashes', 'v1');
  const { rest } = octokitWith(world.host, world.annToken);

  const { data: file } = await rest.repos.getContent({ ...at, path: 'src/deep/ünïcode file.txt', ref: first });
  expect('content' in file && Buffer.from(file.content, 'base64').toString()).toBe('text\n');
  const raw = await rest.repos.getContent({ ...at, path: 'a.txt', mediaType: { format: 'raw' } });
  expect(raw.data).toBe('one\n');
  expect(await statusOf(rest.repos.getContent({ ...at, path: 'nothing' }))).toBe(404);
  expect(await statusOf(rest.repos.getContent({ ...at, path: 'a.txt', ref: '--help' }))).toBe(404);
  for (const path of ['..%2f..%2fetc%2fpasswd', 'src%2f..%2f..%2f..%2fetc', '%2fetc%2fpasswd']) {
    const answer = await fetch(`${world.host.apiUrl}/repos/acme/web/contents/${path}`, {
      headers: { authorization: `Bearer ${world.annToken}` },
    });
    expect(answer.status).toBe(404);
  }
  const { data: listing } = await rest.repos.getContent({ ...at, path: 'src' });
  expect(Array.isArray(listing) && listing.map(({ path, type }) => [path, type])).toEqual([['src/deep', 'dir']]);

  const { data: tree } = await rest.git.getTree({ ...at, tree_sha: second, recursive: '1' });
  expect(tree.tree.filter(({ type }) => type === 'blob').map(({ path }) => path)).toEqual([
    '"quoted".txt',
    'moved.txt',
    'src/deep/ünïcode file.txt',
  ]);
  const { data: compared } = await rest.repos.compareCommitsWithBasehead({ ...at, basehead: `${first}...${second}` });
  expect(compared).toMatchObject({ status: 'ahead', ahead_by: 1, merge_base_commit: { sha: first } });
  expect(compared.files?.map((each) => [each.filename, each.status, each.previous_filename])).toEqual([
    ['"quoted".txt', 'added', undefined],
    ['moved.txt', 'renamed', 'a.txt'],
  ]);
  expect(compared.files?.[0]?.patch).toBe('@@ -0,0 +1 @@\n+q');
  expect((await rest.git.getRef({ ...at, ref: 'heads/feature/with/slashes' })).data.object.sha).toBe(second);
  expect((await rest.git.getRef({ ...at, ref: 'tags/v1' })).data.object.sha).toBe(second);
  expect((await rest.repos.getBranch({ ...at, branch: 'feature/with/slashes' })).data.commit.sha).toBe(second);
  expect((await rest.checks.listForRef({ ...at, ref: 'feature/with/slashes' })).data.total_count).toBe(0);
  expect((await rest.repos.getCombinedStatusForRef({ ...at, ref: 'feature/with/slashes' })).data.state).toBe('pending');
  expect((await rest.repos.listCommits({ ...at, sha: second, per_page: 1 })).headers.link).toContain('rel="next"');
});

it('answers 409 for an empty repository and 404 for an unknown one', async () => {
  const world = await startWorld();
  const { rest } = octokitWith(world.host, world.annToken);
  expect(await statusOf(rest.repos.listCommits(at))).toBe(409);
  expect(await statusOf(rest.repos.get({ owner: 'acme', repo: 'nothing' }))).toBe(404);
});
