import { expect, it } from 'vitest';
import type { CheckRun } from '../../../providers/git-host.ts';
import { gitLabWorld } from './world.ts';

const at = new Date('2026-01-01T00:00:00Z');

function check(state: CheckRun['state'], facts: Partial<CheckRun> = {}): CheckRun {
  const { title, ...rest } = facts;
  return {
    name: 'slipway/test',
    externalId: 'run/test',
    state,
    title: title ?? '',
    summary: '',
    annotations: [],
    ...rest,
  };
}

const running: CheckRun['state'] = { status: 'in_progress', startedAt: at };
const ended = (conclusion: 'success' | 'failure' | 'action_required' | 'skipped'): CheckRun['state'] => ({
  status: 'completed',
  conclusion,
  startedAt: at,
  completedAt: at,
});

it('takes "cannot transition" for success where the status is there already, and for a fault elsewhere', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld();
  const publish = (state: CheckRun['state']) => host.publishCheck(repository, headSha, check(state), undefined);
  const id = await publish(running);
  expect(await publish(running)).toBe(id);
  expect(await publish({ status: 'queued' })).toBe(id);
  expect(gitlab.state.statuses).toMatchObject([{ status: 'running' }]);
  gitlab.fault({
    match: /statuses/,
    status: 400,
    body: '{"message":"Cannot transition status via :drop from :success"}',
  });
  await expect(publish(ended('failure'))).rejects.toMatchObject({ code: 'invalid' });
});

it('never lets a merge request pass that waits for a person', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld();
  await host.publishCheck(repository, headSha, check(ended('action_required')), undefined);
  await host.publishCheck(repository, headSha, check(ended('skipped'), { name: 'slipway/lint' }), undefined);
  expect(gitlab.state.statuses.map(({ status }) => status)).toEqual(['pending', 'success']);
});

it('keeps statuses in the pipeline of the commit, and within 255 characters', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld();
  const long = { title: `${'x'.repeat(253)}😀😀`, detailsUrl: `https://slipway.example/${'y'.repeat(255)}` };
  await host.publishCheck(repository, headSha, check(running, long), undefined);
  const { body } = gitlab.requests.find(({ method }) => method === 'POST') ?? {};
  expect(body).toEqual({
    state: 'running',
    name: 'slipway/test',
    description: `${'x'.repeat(253)}…`,
    pipeline_id: 55,
  });
});

it('sends the statuses of one commit one after the other', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld();
  const names = ['a', 'b', 'c', 'd'];
  gitlab.fault({ match: /statuses/, status: 500 });
  const sent = await Promise.allSettled(
    names.map((name) => host.publishCheck(repository, headSha, check(running, { name }), undefined)),
  );
  expect(sent.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  expect(gitlab.requests.map(({ method }) => method).join(' ')).toBe('GET POST GET POST GET POST GET POST');
});

it.each([
  [{ access_level: 50 }, 'admin'],
  [{ access_level: 40 }, 'admin'],
  [{ access_level: 30 }, 'write'],
  [{ access_level: 29 }, 'read'],
  [{ access_level: 10 }, 'read'],
  [{ access_level: 5 }, 'none'],
  [{ access_level: 0 }, 'none'],
  [{ access_level: 40, state: 'blocked' }, 'none'],
  [{ access_level: 40, state: undefined }, 'none'],
  [{ access_level: 40, membership_state: 'awaiting' }, 'none'],
  [{ access_level: '40' }, 'none'],
  [{ access_level: undefined }, 'none'],
] as const)('a member with %j may do: %s', async (facts, permission) => {
  const { host, repository, people, gitlab } = await gitLabWorld();
  gitlab.state.members[1] = { state: 'active', ...facts };
  expect(await host.permissionOf(repository, people.writer)).toBe(permission);
  expect(gitlab.requests.at(-1)?.path).toBe('/api/v4/projects/7/members/all/1');
});

it('asks for the person of exactly that name', async () => {
  const { host, repository, gitlab } = await gitLabWorld();
  gitlab.fault({ match: /users$/, status: 200, body: '[{"id":1,"username":"ann"}]' });
  expect(await host.permissionOf(repository, 'annabel')).toBe('none');
});

it('never lets GitLab carry out what a comment repeats', async () => {
  const { host, repository, number, comments } = await gitLabWorld();
  await host.addComment(repository, number, 'They wrote:\n/merge\n  /approve\r\n/label ~x\ra/b');
  await host.ensureComment(repository, number, { marker: '<!-- m -->', body: '\n\n/close' }, undefined);
  for (const { body } of await comments()) expect(body).not.toMatch(/^\s*\//m);
  // What people are to copy is left as it is.
  const id = await host.addComment(repository, number, '```\n/slipway retry\n```');
  expect(await host.comment(repository, number, id)).toMatchObject({ body: '```\n/slipway retry\n```' });
  expect((await comments())[0]?.body.replaceAll('\u2060', '')).toBe(
    'They wrote:\n/merge\n  /approve\r\n/label ~x\ra/b',
  );
});

it('tells a fork, a draft, and a base that is gone', async () => {
  const { host, repository, number, gitlab } = await gitLabWorld();
  const { mergeRequest, branches } = gitlab.state;
  Object.assign(mergeRequest, { source_project_id: null, draft: true });
  expect(await host.pullRequest(repository, number)).toMatchObject({ isFork: true, isDraft: true });
  delete branches['main'];
  expect(await host.pullRequest(repository, number)).toBeUndefined();
  expect(await host.openPullRequests(repository)).toEqual([]);
});

it('says so when GitLab does not list all that changes', async () => {
  const { host, repository, number, baseSha, headSha, gitlab } = await gitLabWorld();
  for (const count of ['1000+', '4', null]) {
    gitlab.state.mergeRequest['changes_count'] = count;
    expect((await host.pullRequestFiles(repository, number)).isComplete).toBe(false);
  }
  for (const compared of [
    { commits: [{}], diffs: [], compare_timeout: false },
    { commits: [{}], diffs: [{ old_path: 'a', new_path: 'b' }], compare_timeout: true },
  ]) {
    gitlab.fault({ match: /compare/, status: 200, body: JSON.stringify(compared) });
    expect((await host.changedFiles(repository, baseSha, headSha)).isComplete).toBe(false);
  }
});

it('tells the old name of a renamed file too', async () => {
  const { host, repository, baseSha, headSha, gitlab } = await gitLabWorld();
  const body = JSON.stringify({ commits: [{}], diffs: [{ old_path: 'a', new_path: 'b' }], compare_timeout: false });
  gitlab.fault({ match: /compare/, status: 200, body });
  expect(await host.changedFiles(repository, baseSha, headSha)).toEqual({ paths: ['b', 'a'], isComplete: true });
});

it('gives pods the token that reads alone', async () => {
  const { host, repository, gitlab } = await gitLabWorld();
  expect(await host.cloneAccess(repository)).toEqual({
    url: `${gitlab.url}/acme/team/web.git`,
    credential: { username: 'oauth2', password: 'glpat-reads-code-alone' },
  });
});

it('a deployment that is what it should be already is no fault', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld();
  const report = { environment: 'staging', sha: headSha, description: '' };
  const id = await host.publishDeployment(repository, { ...report, state: 'in_progress' }, undefined);
  for (const state of ['in_progress', 'success', 'success', 'inactive'] as const) {
    expect(await host.publishDeployment(repository, { ...report, state }, id)).toBe(id);
  }
  expect(gitlab.state.deployments).toMatchObject([{ status: 'success' }]);
});

it('reads every page, and says so when it stops', async () => {
  const { host, repository, headSha, number, comment, gitlab } = await gitLabWorld();
  const many = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`many/${index}`, '']));
  gitlab.state.files[headSha] = { ...gitlab.state.files[headSha], ...many };
  const { paths, isComplete } = await host.listFiles(repository, headSha);
  expect({ count: new Set(paths).size, isComplete }).toEqual({ count: 253, isComplete: true });

  for (let index = 0; index < 230; index += 1) await comment(`Comment ${index}`);
  const marked = { marker: '<!-- m -->', body: 'one' };
  const id = await host.ensureComment(repository, number, marked, undefined);
  expect(await host.ensureComment(repository, number, { ...marked, body: 'two' }, undefined)).toBe(id);
});

it('stops at 10,000 entries of a tree', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld();
  const many = Object.fromEntries(Array.from({ length: 10_050 }, (_, index) => [`many/${index}`, '']));
  gitlab.state.files[headSha] = many;
  const { paths, isComplete } = await host.listFiles(repository, headSha);
  expect(isComplete).toBe(false);
  expect(paths.length).toBeLessThanOrEqual(10_000);
  expect(gitlab.requests).toHaveLength(100);
});

it('refuses a file that is no text', async () => {
  const { host, repository, headSha, gitlab } = await gitLabWorld();
  gitlab.fault({ match: /raw$/, status: 200, body: '{"a": 1}' });
  expect(await host.readFile(repository, headSha, 'a.json', { maxBytes: 100 })).toBe('{"a": 1}');
  gitlab.state.files[headSha] = { 'a.bin': Buffer.from([0xff, 0xfe, 0x00]) };
  await expect(host.readFile(repository, headSha, 'a.bin', { maxBytes: 100 })).rejects.toMatchObject({
    code: 'invalid',
    why: 'It is no UTF-8 text',
  });
});
