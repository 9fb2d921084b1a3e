import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PullRequestWorld, pullRequestWorld } from './pull-request-world.ts';

const pipeline = `on: { pull_request: { drafts: false }, push: }
stages:
  test: { commands: ['true'] }
  everything: { commands: ['true'], when: { labels: 'all-*' } }
`;

let folder: string;
let world: PullRequestWorld;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-replan-'));
  world = await pullRequestWorld(folder);
  await world.whole.copy.push('main', { '.slipway.yaml': pipeline }, 'Begin');
}, 60_000);

afterAll(async () => {
  await world.whole.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

const state = async (sha: string, stage: string) => (await world.check(sha, `slipway / ${stage}`))?.state;
const label = (number: number, labels: readonly string[]) =>
  world.ask('POST', `/issues/${number}/labels`, 'ann', { labels });

async function settled(): Promise<void> {
  await world.whole.host.webhooksSent();
  await world.whole.slipway.inbox.idle();
}

it('runs what a label asks for when it is put on, and nothing again for one that asks for nothing', async () => {
  const { number, sha } = await world.open('labelled', { 'a.txt': 'x\n' });
  await world.until('the first run', async () => (await state(sha, 'test')) === 'success');
  expect(await state(sha, 'everything')).toBe('skipped');
  await label(number, ['bug']);
  await settled();
  expect(world.runs()).toEqual([]);
  await label(number, ['all-browsers']);
  await world.until('the stage', async () => (await state(sha, 'everything')) === 'success');
}, 60_000);

it('leaves drafts out where the pipeline does, and runs them once they are ready', async () => {
  const { sha } = await world.open('draft', { 'b.txt': 'x\n' }, 'dev', { draft: true });
  await settled();
  expect(await state(sha, 'test')).toBeUndefined();
  const number = 2;
  await world.ask('PATCH', `/pulls/${number}`, 'dev', { draft: false });
  await world.until('the run', async () => (await state(sha, 'test')) === 'success');
}, 60_000);

it('goes by the base that a pull request is aimed at by now, and runs again when it is opened again', async () => {
  await world.whole.copy.push('release', { '.slipway.yaml': pipeline }, 'Release');
  const { number, sha } = await world.open('moving', {
    '.slipway.yaml': `stages:\n  test: { commands: ['true'], when: { branches: [main] } }\n  release: { commands: ['true'], when: { branches: [release] } }\n`,
  });
  await world.until('the first run', async () => (await state(sha, 'test')) === 'success');
  await world.ask('PATCH', `/pulls/${number}`, 'dev', { base: 'release' });
  await world.until('the run for the other base', async () => (await state(sha, 'release')) === 'success');
  expect(await state(sha, 'test')).toBe('skipped');
  await world.ask('PATCH', `/pulls/${number}`, 'dev', { state: 'closed' });
  await world.ask('PATCH', `/pulls/${number}`, 'dev', { state: 'open', base: 'main' });
  await world.until('the run when it is open again', async () => (await state(sha, 'test')) === 'success');
}, 60_000);
