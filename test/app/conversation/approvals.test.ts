import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PullRequestWorld, pipelineWith, pullRequestWorld, server } from './pull-request-world.ts';

let folder: string;
let world: PullRequestWorld;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-approvals-'));
  world = await pullRequestWorld(folder);
}, 60_000);

afterAll(async () => {
  await world.whole.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

it('holds a merge before production, asks in the merged pull request, and takes the answers of approvers alone', async () => {
  const files = { '.slipway.yaml': pipelineWith('{ by: [ann, dev] }'), 'server.js': server('one') };
  await world.whole.copy.push('main', { 'README.md': 'Begin\n' }, 'Begin');
  const { number } = await world.open('first', files);
  const sha = await world.merge(number);
  const [prompt] = await world.until('a prompt', async () => {
    const prompts = await world.prompts(number);
    return prompts.length > 0 && prompts;
  });
  expect(prompt?.body).toContain('production waits for approval');
  expect(prompt?.body).toContain('ann or dev');
  expect((await world.check(sha, 'slipway / production'))?.state).not.toBe('success');

  expect(await world.say(number, 'eve', '/approve')).toMatchObject({ reaction: 'confused' });
  expect((await world.say(number, 'bob', '/approve production')).reply).toContain('bob is none of them');
  expect((await world.say(number, 'dev', '/approve')).reply).toContain('Authors do not approve their own change');
  expect((await world.say(number, 'ann', '/approve staging')).reply).toContain('production');
  expect(await world.say(number, 'ann', '/approve')).toMatchObject({ reaction: 'rocket' });
  await world.until('the deploy', async () => (await world.check(sha, 'slipway / production'))?.state === 'success');
}, 60_000);

it('takes a 👍 on the prompt from an approver, and rolls back when that is confirmed', async () => {
  const { number } = await world.open('second', { 'server.js': server('two') });
  const sha = await world.merge(number);
  const prompt = await world.until('a prompt', async () => (await world.prompts(number))[0]);
  expect(prompt.body).toContain('revision 1');
  await world.react(prompt.id, 'eve', '+1');
  await world.react(prompt.id, 'ann', '+1');
  await world.until('the deploy', async () => (await world.check(sha, 'slipway / production'))?.state === 'success');

  expect(await world.say(number, 'eve', '/rollback production 1')).toMatchObject({ reaction: 'confused' });
  expect((await world.say(number, 'bob', '/rollback production 9')).reply).toContain('was never live there');
  expect(await world.say(number, 'bob', '/rollback')).toMatchObject({ reaction: 'rocket' });
  const proposal = (await world.comments(number)).find(({ body }) => body.startsWith('<!-- slipway proposal'));
  expect(proposal?.body).toContain('to revision 1?');
  const { id } = await world.say(number, 'bob', '/confirm');
  await world.until('the way back', async () =>
    (await world.comments(number)).some(({ body }) => body.includes(`slipway answer ${id} `) && body.includes('✅')),
  );
  expect((await world.say(number, 'bob', '/confirm')).reply).toContain('Nothing waits to be confirmed');

  // Main still holds what was rolled back.
  expect(await world.say(number, 'eve', '/revert production')).toMatchObject({ reaction: 'confused' });
  const { reply = '' } = await world.say(number, 'bob', '/revert');
  expect(reply).toContain('may not write code here');
  expect(reply).toMatch(/git read-tree -u --reset [0-9a-f]{40}/);
}, 60_000);

it('keeps a locked environment as it is, tells everybody why, and goes on when it is unlocked', async () => {
  expect(await world.say(1, 'eve', '/lock production nope')).toMatchObject({ reaction: 'confused' });
  expect(await world.say(1, 'bob', '/lock production the database moves')).toMatchObject({ reaction: 'rocket' });
  const { number } = await world.open('third', { 'server.js': server('three') });
  const sha = await world.merge(number);
  await world.until('a prompt', async () => (await world.prompts(number))[0]);
  expect(await world.say(number, 'ann', '/approve')).toMatchObject({ reaction: 'rocket' });
  await world.until('the reason on the check', async () =>
    (await world.check(sha, 'slipway / production'))?.title.includes('the database moves'),
  );
  expect((await world.say(number, 'eve', '/why')).reply).toContain('the database moves');
  expect(await world.say(number, 'bob', '/unlock production')).toMatchObject({ reaction: 'rocket' });
  await world.until('the deploy', async () => (await world.check(sha, 'slipway / production'))?.state === 'success');
}, 60_000);

it('voids what was said when the environment moved, names what moved, and asks anew', async () => {
  const { number } = await world.open('fourth', { 'server.js': server('four') });
  const sha = await world.merge(number);
  await world.until('a prompt', async () => (await world.prompts(number))[0]);
  // A rollback in between: what the prompt says of production is not so any more.
  const { id } = await world.say(1, 'bob', '/rollback production 1');
  await world.until('the way back', async () =>
    (await world.comments(1)).some(({ body }) => body.includes(`slipway answer ${id} `) && body.includes('✅')),
  );
  expect((await world.say(number, 'ann', '/approve')).reply).toContain('live revision moved');
  await world.until('another prompt', async () => (await world.prompts(number)).length === 2);
  expect((await world.prompts(number))[1]?.body).toContain('Asked anew');
  expect(await world.say(number, 'ann', '/reject not today')).toMatchObject({ reaction: 'rocket' });
  await world.until('the end', async () => (await world.check(sha, 'slipway / production'))?.state === 'cancelled');
}, 60_000);

it('takes no command of an edited comment, and none written before the prompt stood', async () => {
  const { number } = await world.open('fifth', { 'server.js': server('five') });
  const early = await world.say(number, 'ann', '/approve');
  expect(early.reply).toContain('Nothing waits for approval here');
  const sha = await world.merge(number);
  await world.until('a prompt', async () => (await world.prompts(number))[0]);
  const id = await world.comment(number, 'ann', 'I shall look at it');
  await world.ask('PATCH', `/issues/comments/${id}`, 'dev', { body: '/approve' });
  await world.whole.host.webhooksSent();
  await world.whole.slipway.inbox.idle();
  expect(world.run(sha)?.approvals['production']).toMatchObject({ status: 'open', given: [] });

  // Somebody with admin rights edits our own words: nothing said to them counts.
  const [prompt] = await world.prompts(number);
  await world.ask('PATCH', `/issues/comments/${prompt?.id}`, 'dev', { body: `${prompt?.body}\nNothing to see.` });
  expect((await world.say(number, 'ann', '/approve')).reply).toContain('not as it was written');
  await world.until('another prompt', async () => (await world.prompts(number)).length === 2);
}, 60_000);
