import { afterAll, beforeAll, expect, it } from 'vitest';
import { pipelineWith, server } from '../app/conversation/pull-request-world.ts';
import { type ApprovalWorld, approvalWorld } from './approval-world.ts';
import { KillableSlipway } from './killable-slipway.ts';

const slipway = new KillableSlipway();
let world: ApprovalWorld;

beforeAll(async () => {
  await slipway.start();
  world = await approvalWorld(slipway);
});
afterAll(() => slipway.close());

it('waits for consent through kill -9: the same prompt, which is answered by the one that comes after', async () => {
  await world.copy.push('main', { 'README.md': 'Begin\n' }, 'Begin');
  const files = { '.slipway.yaml': pipelineWith('{ by: [dev], authorMayApprove: true }'), 'server.js': server('one') };
  const { number, sha } = await world.mergedPull('first', files);
  const prompt = await world.prompt(number);
  for (const fact of [
    'Change',
    'Author',
    'Difference',
    'Goes back',
    'Run',
    'Changed files',
    '.slipway.yaml',
    '**Answer:**',
  ])
    expect(prompt.body).toContain(fact);
  for (let times = 0; times < 2; times += 1) {
    await slipway.kill();
    await slipway.start();
  }
  expect(await world.prompts(number)).toEqual([prompt]);
  await world.say(number, '/approve');
  await world.ended(sha, 'production', 'success');

  // The next one tells what it ran before, and who brought it.
  const next = await world.mergedPull('second', { 'server.js': server('two') });
  const second = await world.prompt(next.number);
  for (const fact of ['revision 1', 'What it ran before', 'rollback production 1', 'server.js'])
    expect(second.body).toContain(fact);
});

it.each([
  ['is stopped', 'expire', 'cancelled'],
  ['goes on', 'advance', 'success'],
] as const)(
  'what nobody answered while Slipway was dead %s when its time is over',
  async (_, onTimeout, conclusion) => {
    const files = {
      '.slipway.yaml': pipelineWith(`{ by: [dev], authorMayApprove: true, timeout: 10s, onTimeout: ${onTimeout} }`),
      'server.js': server(onTimeout),
    };
    const { number, sha } = await world.mergedPull(`time-${onTimeout}`, files);
    await world.prompt(number);
    await slipway.kill();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    await slipway.start();
    await world.ended(sha, 'production', conclusion);
  },
);
