import { expect, it } from 'vitest';
import { commitFile, git, installationOctokit, octokitWith, startWorld, statusOf, type World } from './running-host.ts';

const at = { owner: 'acme', repo: 'web' };

async function withPull(): Promise<World & { head: string }> {
  const world = await startWorld();
  await commitFile(world.clone, 'a.txt', 'one\n', 'Start');
  await git(world.clone, 'push', '--quiet', 'origin', 'main');
  await git(world.clone, 'switch', '--quiet', '-c', 'topic');
  const head = await commitFile(world.clone, 'b.txt', 'two\n', 'Add b');
  await git(world.clone, 'push', '--quiet', 'origin', 'topic');
  await octokitWith(world.host, world.annToken).rest.pulls.create({
    ...at,
    title: 'Add b',
    head: 'topic',
    base: 'main',
  });
  return { ...world, head };
}

function pullActions(world: World): string[] {
  return world.receiver.received.filter(({ event }) => event === 'pull_request').map(({ action }) => action ?? '');
}

it('a pull request follows pushes, edits, labels and drafts, each with its webhook', async () => {
  const world = await withPull();
  const ann = octokitWith(world.host, world.annToken);
  const next = await commitFile(world.clone, 'b.txt', 'three\n', 'Change b');
  await git(world.clone, 'push', '--quiet', 'origin', 'topic');
  const { data: pull } = await ann.rest.pulls.get({ ...at, pull_number: 1 });
  expect(pull).toMatchObject({ head: { sha: next }, commits: 2, mergeable: true });
  await ann.rest.pulls.update({ ...at, pull_number: 1, title: 'Add b well' });
  await ann.rest.issues.addLabels({ ...at, issue_number: 1, labels: ['hotfix'] });
  await ann.rest.issues.removeLabel({ ...at, issue_number: 1, name: 'hotfix' });
  await ann.request('PATCH /repos/acme/web/pulls/1', { draft: true });
  await ann.request('PATCH /repos/acme/web/pulls/1', { draft: false });
  await ann.rest.pulls.update({ ...at, pull_number: 1, state: 'closed' });
  await ann.rest.pulls.update({ ...at, pull_number: 1, state: 'open' });
  await world.host.webhooksSent();
  expect(pullActions(world)).toEqual([
    'opened',
    'synchronize',
    'edited',
    'labeled',
    'unlabeled',
    'converted_to_draft',
    'ready_for_review',
    'closed',
    'reopened',
  ]);
  const synchronize = world.receiver.received.find(({ action }) => action === 'synchronize');
  expect(synchronize?.body).toMatchObject({ before: world.head, after: next });
  await git(world.clone, 'push', '--quiet', 'origin', ':topic');
  expect((await ann.rest.pulls.get({ ...at, pull_number: 1 })).data).toMatchObject({ state: 'closed', merged: false });
});

it('merges only the head that was seen, only past required checks, and squashes', async () => {
  const world = await withPull();
  const ann = octokitWith(world.host, world.annToken);
  const merge = (sha: string) => ann.rest.pulls.merge({ ...at, pull_number: 1, sha, merge_method: 'squash' });
  expect(await statusOf(merge('a'.repeat(40)))).toBe(409);
  world.host.requireChecks('acme', 'web', 'main', ['test']);
  expect(await statusOf(merge(world.head))).toBe(405);
  await installationOctokit(world).rest.checks.create({
    ...at,
    name: 'test',
    head_sha: world.head,
    conclusion: 'success',
  });
  expect(await statusOf(octokitWith(world.host, world.bobToken).rest.pulls.merge({ ...at, pull_number: 1 }))).toBe(403);
  const { data: merged } = await merge(world.head);
  const { data: commit } = await ann.rest.repos.getCommit({ ...at, ref: 'main' });
  expect(commit).toMatchObject({
    sha: merged.sha,
    parents: [{}],
    commit: { message: 'Add b (#1)' },
    author: { login: 'ann' },
  });
  await world.host.webhooksSent();
  expect(pullActions(world)).toEqual(['opened', 'closed']);
});

it('refuses a merge in conflict, and sees a merge that somebody pushed', async () => {
  const world = await withPull();
  const ann = octokitWith(world.host, world.annToken);
  await git(world.clone, 'switch', '--quiet', 'main');
  await commitFile(world.clone, 'b.txt', 'mine\n', 'Another b');
  await git(world.clone, 'push', '--quiet', 'origin', 'main');
  expect((await ann.rest.pulls.get({ ...at, pull_number: 1 })).data.mergeable).toBe(false);
  expect(await statusOf(ann.rest.pulls.merge({ ...at, pull_number: 1 }))).toBe(405);
  await git(world.clone, 'merge', '--quiet', '-X', 'ours', '-m', 'By hand', 'topic');
  await git(world.clone, 'push', '--quiet', 'origin', 'main');
  expect((await ann.rest.pulls.get({ ...at, pull_number: 1 })).data).toMatchObject({ merged: true, state: 'closed' });
});

it('takes a pull request from a fork and follows the fork', async () => {
  const world = await withPull();
  const bob = octokitWith(world.host, world.bobToken);
  const { data: fork } = await bob.rest.repos.createFork(at);
  expect(fork).toMatchObject({ full_name: 'bob/web', fork: true, parent: { full_name: 'acme/web' } });
  const forkUrl = fork.clone_url.replace('://', `://bob:${world.bobToken}@`);
  await git(world.clone, 'switch', '--quiet', '-c', 'patch', 'main');
  await commitFile(world.clone, 'c.txt', 'c\n', 'Add c');
  await git(world.clone, 'push', '--quiet', forkUrl, 'patch');
  const { data: pull } = await bob.rest.pulls.create({ ...at, title: 'Add c', head: 'bob:patch', base: 'main' });
  expect(pull.head.repo?.full_name).toBe('bob/web');
  const sha = await commitFile(world.clone, 'c.txt', 'cc\n', 'Change c');
  await git(world.clone, 'push', '--quiet', forkUrl, 'patch');
  await world.host.webhooksSent();
  expect((await bob.rest.pulls.get({ ...at, pull_number: pull.number })).data.head.sha).toBe(sha);
  const events = world.receiver.received.slice(-1).map(({ event, action }) => `${event}.${action}`);
  expect(events).toEqual(['pull_request.synchronize']);
  await git(world.clone, 'fetch', '--quiet', 'origin', `refs/pull/${pull.number}/head`);
  expect(await git(world.clone, 'rev-parse', 'FETCH_HEAD')).toBe(sha);
  await expect(git(world.clone, 'push', 'origin', 'HEAD:refs/pull/1/head')).rejects.toThrow();
});

it('comments and reactions: anyone who reads speaks, authors edit, the same reaction counts once', async () => {
  const world = await withPull();
  const bob = octokitWith(world.host, world.bobToken);
  const slipway = installationOctokit(world);
  const { data: comment } = await bob.rest.issues.createComment({ ...at, issue_number: 1, body: '/retry' });
  await bob.rest.issues.updateComment({ ...at, comment_id: comment.id, body: '/retry test' });
  expect(await statusOf(slipway.rest.issues.updateComment({ ...at, comment_id: comment.id, body: 'x' }))).toBe(403);
  const react = () => slipway.rest.reactions.createForIssueComment({ ...at, comment_id: comment.id, content: 'eyes' });
  expect([(await react()).status, (await react()).status]).toEqual([201, 200]);
  const { data: reactions } = await slipway.rest.reactions.listForIssueComment({ ...at, comment_id: comment.id });
  expect(reactions.map(({ user }) => user?.login)).toEqual(['slipway[bot]']);
  expect(await statusOf(bob.rest.issues.createComment({ ...at, issue_number: 1, body: 'x'.repeat(65_537) }))).toBe(422);
  await bob.rest.issues.deleteComment({ ...at, comment_id: comment.id });
  await world.host.webhooksSent();
  const actions = world.receiver.received.filter(({ event }) => event === 'issue_comment').map(({ action }) => action);
  expect(actions).toEqual(['created', 'edited', 'deleted']);
});

it('deployments: a success makes the environment’s earlier one inactive', async () => {
  const world = await withPull();
  const { rest } = installationOctokit(world);
  const deploy = async (ref: string): Promise<number> => {
    const { data } = await rest.repos.createDeployment({
      ...at,
      ref,
      environment: 'staging',
      auto_merge: false,
      required_contexts: [],
    });
    if (!('id' in data)) throw new TypeError('no deployment');
    await rest.repos.createDeploymentStatus({
      ...at,
      deployment_id: data.id,
      state: 'success',
      environment_url: 'http://127.0.0.1:1/',
    });
    return data.id;
  };
  const first = await deploy('main');
  await deploy('topic');
  const { data: statuses } = await rest.repos.listDeploymentStatuses({ ...at, deployment_id: first });
  expect(statuses.map(({ state }) => state)).toEqual(['inactive', 'success']);
});
