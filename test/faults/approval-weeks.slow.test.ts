import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { connectionFile, connectionSchema } from '../../app/cli/client.ts';
import { pipelineWith, server } from '../app/conversation/pull-request-world.ts';
import { type ApprovalWorld, approvalWorld } from './approval-world.ts';
import { KillableSlipway } from './killable-slipway.ts';

const dayMs = 24 * 3_600_000;
const settleMs = 5_000;
const folder = mkdtempSync(join(tmpdir(), 'slipway-weeks-'));
const clock = join(folder, 'clock');
const slipway = new KillableSlipway({
  NODE_OPTIONS: `--import ${join(import.meta.dirname, 'moved-clock.ts')}`,
  MOVED_CLOCK_FILE: clock,
  // Shorter than people take.
  SLIPWAY_LOG_DAYS: '5',
  SLIPWAY_ARTIFACT_DAYS: '5',
});
let world: ApprovalWorld;
let days = 0;

beforeAll(async () => {
  writeFileSync(clock, '0');
  await slipway.start();
  world = await approvalWorld(slipway);
  await world.copy.push('main', { 'README.md': 'Begin\n' }, 'Begin');
});
afterAll(async () => {
  await slipway.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Moves the clock, under a Slipway that runs or before one that starts, and gives all jobs that are due time to run. */
async function pass(count: number, how: 'running' | 'restarted'): Promise<void> {
  if (how === 'restarted') await slipway.kill();
  days += count;
  writeFileSync(clock, String(days * dayMs));
  if (how === 'restarted') await slipway.start();
  await new Promise((resolve) => setTimeout(resolve, settleMs));
}

async function logOf(runId: string, stage: string): Promise<string> {
  const { url, token } = connectionSchema.parse(JSON.parse(readFileSync(connectionFile(slipway.dataDir), 'utf8')));
  const response = await fetch(`${url}/api/runs/${runId}/logs/${stage}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return response.text();
}

const policy = (more: string) => pipelineWith(`{ by: [dev], authorMayApprove: true, ${more} }`);

it('waits for eleven weeks: the prompt, the logs and the artifact are still there, and the answer deploys it', async () => {
  const files = { '.slipway.yaml': policy('timeout: 2000h'), 'server.js': server('one') };
  const { number, sha } = await world.mergedPull('patient', files);
  const prompt = await world.prompt(number);
  const runs = z.array(z.object({ runId: z.string(), headSha: z.string() })).parse(await slipway.get('/runs?limit=20'));
  const runId = runs.find(({ headSha }) => headSha === sha)?.runId ?? '';
  const log = await logOf(runId, 'package');
  expect(log).toContain('server.js');
  await pass(3, 'running');
  await pass(4, 'running');
  for (let week = 0; week < 5; week += 1) await pass(14, week % 2 === 0 ? 'restarted' : 'running');
  expect(await world.prompts(number)).toEqual([prompt]);
  expect((await world.checksOf(sha, 'production')).map(({ status }) => status)).toEqual(['queued']);
  expect(await logOf(runId, 'package')).toBe(log);
  await world.say(number, '/approve');
  await world.ended(sha, 'production', 'success');
  // One of each: what was written first was found again.
  expect(await world.checksOf(sha, 'production')).toHaveLength(1);
});

it.each([
  ['expires', 'expire', 'cancelled'],
  ['goes on, which is kept', 'advance', 'success'],
] as const)('what nobody answers %s when its time is over, and not a day before', async (_, onTimeout, conclusion) => {
  const files = {
    '.slipway.yaml': policy(`timeout: 480h, onTimeout: ${onTimeout}`),
    'server.js': server(onTimeout),
  };
  const { number, sha } = await world.mergedPull(`time-${onTimeout}`, files);
  await world.prompt(number);
  await pass(19, 'restarted');
  await world.until('it to wait still', async () => (await world.checksOf(sha, 'production'))[0]?.status === 'queued');
  await pass(2, 'running');
  await world.ended(sha, 'production', conclusion);
});
