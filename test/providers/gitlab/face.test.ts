import { expect, it } from 'vitest';
import { z } from 'zod';
import { Sha } from '../../../engine/core/trigger.ts';
import type { CheckRun } from '../../../providers/git-host.ts';
import { gitLabWebhooks } from '../../../providers/gitlab/webhook.ts';
import { commitFile, git, startReceiver, temporaryFolder } from '../../app/embedded/git-host/running-host.ts';
import { ask } from '../contract-repository.ts';
import { collectedDeliveries, fieldsOf, inWords } from '../deliveries.ts';
import { gitLabFaceWorld } from './face-world.ts';

const at = new Date('2026-01-01T00:00:00Z');
const signingSecret = `whsec_${Buffer.from('thirty-two bytes of a signing key').toString('base64')}`;
const Award = z.object({ id: z.number() });

/** A merge request that is labelled, discussed, pushed to and merged, as the face's webhooks tell it. */
async function told(secret: string) {
  const world = await gitLabFaceWorld();
  const { embedded, api, notes, person, clone, number, comment } = world;
  const receiver = await startReceiver(secret);
  embedded.addRepositoryHook('acme', 'web', { url: receiver.url, secret, events: ['*'] });
  const ann = person('ann').token;
  const request = `${api}/merge_requests/${number}`;
  const change = (body: object) => ask(request, ann, { method: 'PUT', body });
  await change({ add_labels: 'hotfix' });
  await change({ remove_labels: 'hotfix' });
  await change({ title: 'Draft: Two' });
  const noteId = await comment('/slipway approve');
  await ask(`${notes}/${noteId}`, ann, { method: 'PUT', body: { body: 'Never mind' } });
  const awards = `${notes}/${noteId}/award_emoji`;
  const { id } = Award.parse(await ask(`${awards}?name=thumbsup`, ann, { method: 'POST' }));
  await ask(`${awards}/${id}`, ann, { method: 'DELETE' });
  const headSha = await commitFile(clone, 'c.txt', 'c\n', 'More');
  await git(clone, 'tag', 'v1');
  await git(clone, 'push', '--quiet', 'origin', 'topic', 'v1');
  await change({ title: 'Two' });
  await ask(`${request}/merge`, ann, { method: 'PUT', body: { sha: headSha } });
  // More than three refs at once: GitLab tells nobody.
  await git(clone, 'push', '--quiet', 'origin', ...[1, 2, 3, 4].map((index) => `topic:refs/heads/many/${index}`));
  await embedded.webhooksSent();
  return { ...world, received: receiver.received, noteId, headSha };
}

it.each([
  ['a token', 'a secret of the webhook'],
  ['a signing secret', signingSecret],
])('proves each delivery by %s, and each means what happened', async (_name, secret) => {
  const { received, headSha, noteId, baseSha } = await told(secret);
  const source = gitLabWebhooks([secret], () => new Date());
  const words: string[] = [];
  for (const { headers, raw, body } of received) {
    const header = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined);
    expect(await source.isGenuine(raw, header)).toBe(true);
    expect(await source.isGenuine(raw, (name) => (name === 'x-gitlab-token' ? 'wrong' : undefined))).toBe(false);
    const { event } = source.identify(header);
    words.push(inWords(source.translate(event ?? '', body)));
  }
  const short = (sha: string) => sha.slice(0, 7);
  expect(words).toEqual([
    'labels of #1 by ann: +[hotfix] -[] =[hotfix]',
    'labels of #1 by ann: +[] -[hotfix] =[]',
    expect.stringMatching(/^ask for the rest: updated #1 \.\..{7} into main draft by ann$/),
    `comment ${noteId} on #1 by ann: /slipway approve`,
    'ignored: an edited comment is no command',
    `added thumbs_up to ${noteId} of #1 by ann`,
    `removed thumbs_up to ${noteId} of #1 by ann`,
    expect.stringMatching(`^push topic .{7}\\.\\.${short(headSha)} by ann$`),
    `tag v1 ${short(headSha)} by ann`,
    expect.stringMatching(`^ask for the rest: updated #1 .{7}\\.\\.${short(headSha)} into main draft by ann$`),
    `ask for the rest: updated #1 ..${short(headSha)} into main by ann`,
    `ask for the rest: merged #1 ..${short(headSha)} into main by ann`,
    expect.stringMatching(`^push main ${short(baseSha)}\\.\\..{7} by ann$`),
  ]);
});

const real = collectedDeliveries('gitlab');

it.skipIf(real.length === 0)(
  'sends nothing that no real delivery holds (skipped without the collected deliveries)',
  async () => {
    const known = new Set(real.flatMap(({ body }) => fieldsOf(body)));
    const { received } = await told(signingSecret);
    const invented = new Set(received.flatMap(({ body }) => fieldsOf(body)).filter((field) => !known.has(field)));
    expect([...invented]).toEqual([]);
  },
);

function check(state: CheckRun['state']): CheckRun {
  return { name: 'slipway/test', externalId: 'r/test', state, title: 'Title', summary: '', annotations: [] };
}

it('holds statuses to their state machine, within one pipeline', async () => {
  const { host, repository, headSha, api, person } = await gitLabFaceWorld();
  const publish = (state: CheckRun['state']) => host.publishCheck(repository, headSha, check(state), undefined);
  const ended = (conclusion: 'success' | 'failure'): CheckRun['state'] => ({
    status: 'completed',
    conclusion,
    startedAt: at,
    completedAt: at,
  });
  const first = await publish({ status: 'queued' });
  for (const state of [{ status: 'in_progress', startedAt: at }, { status: 'queued' }, ended('failure')] as const)
    expect(await publish(state)).toBe(first);
  // One that has ended stays; the next run of the same commit has one of its own.
  expect(await publish({ status: 'in_progress', startedAt: at })).not.toBe(first);
  const { token } = person('slipway-bot');
  const set = (body: object) => ask(`${api}/statuses/${headSha}`, token, { method: 'POST', body });
  const commit = await ask(`${api}/repository/commits/${headSha}`, token);
  const { id } = z.object({ last_pipeline: z.object({ id: z.number() }) }).parse(commit).last_pipeline;
  await expect(set({ name: 'slipway/test', state: 'running', pipeline_id: id })).rejects.toThrow(
    'Cannot transition status via :run from :running',
  );
  await set({ name: 'slipway/test', state: 'running' });
  expect(await ask(`${api}/repository/commits/${headSha}`, token)).not.toMatchObject({ last_pipeline: { id } });
});

it('takes it for no fault that the commit of a fork gets no status', async () => {
  const { host, repository, embedded, api, person } = await gitLabFaceWorld();
  const { token } = person('bob');
  const made = await ask(`${api}/fork`, token, { method: 'POST', body: {} });
  const { id } = z.object({ id: z.number() }).parse(made);
  const fork = await temporaryFolder();
  await git(fork, 'clone', '--quiet', `${embedded.url.replace('://', `://bob:${token}@`)}/bob/web.git`, '.');
  await git(fork, 'switch', '--quiet', '-c', 'theirs');
  await commitFile(fork, 'c.txt', 'c\n', 'Theirs');
  await git(fork, 'push', '--quiet', 'origin', 'theirs');
  const request = await ask(`${embedded.apiUrl}/projects/${id}/merge_requests`, token, {
    method: 'POST',
    body: { title: 'Theirs', source_branch: 'theirs', target_branch: 'main', target_project_id: repository.id },
  });
  const { iid } = z.object({ iid: z.number() }).parse(request);
  const pull = await host.pullRequest(repository, iid);
  expect(pull).toMatchObject({ isFork: true, headRepositoryId: String(id), author: 'bob' });
  if (pull === undefined) throw new Error('it is there');
  expect(await host.publishCheck(repository, pull.headSha, check({ status: 'queued' }), undefined)).toBe('none');
  const bot = person('slipway-bot').token;
  await expect(
    ask(`${api}/statuses/${pull.headSha}`, bot, { method: 'POST', body: { state: 'running', name: 'x' } }),
  ).rejects.toThrow('References for commit');
  // One that nobody has is.
  const nobodys = Sha('0123456789'.repeat(4));
  await expect(host.publishCheck(repository, nobodys, check({ status: 'queued' }), undefined)).rejects.toMatchObject({
    code: 'not-found',
  });
});

it('carries out lines that GitLab takes for itself, and ours never are', async () => {
  const { host, repository, number, comment, comments } = await gitLabFaceWorld();
  await comment('Look:\n/label ~hotfix\n/test unit\n```\n/label ~code\n```');
  expect((await comments()).at(-1)?.body).toBe('Look:\n/test unit\n```\n/label ~code\n```');
  expect(await host.labels(repository, number)).toEqual(['hotfix']);
  // Nothing but such lines: no comment comes of it.
  await expect(comment('/approve')).rejects.toThrow();
  await host.addComment(repository, number, 'They wrote:\n/label ~ours\n/close');
  expect((await comments()).at(-1)?.body.replaceAll('\u2060', '')).toBe('They wrote:\n/label ~ours\n/close');
  expect(await host.labels(repository, number)).toEqual(['hotfix']);
  expect(await host.pullRequest(repository, number)).toMatchObject({ state: 'open' });
});
