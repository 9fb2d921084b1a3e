import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Run, runStatus } from '../../engine/core/run.ts';
import { startWhole, type WholeSlipway } from '../app/whole-slipway.ts';
import { type Behaviour, FaultyProxy } from './proxies/faulty-proxy.ts';

const faultMs = 2_500;
const withinMs = 90_000;
const checksSchema = z.object({
  check_runs: z.array(z.object({ name: z.string(), status: z.string(), conclusion: z.string().nullable() })),
});

const pipeline = `stages:
  first: { commands: [sleep 1] }
  second: { needs: [first], commands: [sleep 0.5] }
  broken: { needs: [first], commands: [exit 3] }
`;

describe('a Git host that behaves badly while all of Slipway runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-git-host-'));
  let whole: WholeSlipway;
  let proxy: FaultyProxy;
  const runs = new Map<string, Run>();

  beforeAll(async () => {
    whole = await startWhole(folder, {
      before: async (url) => {
        proxy = await FaultyProxy.before(url);
        return proxy.origin;
      },
    });
    whole.slipway.loop.onChange(({ run }) => runs.set(run.runId, run));
  });
  afterAll(async () => {
    await whole.stop();
    await proxy.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  it.each<[string, Behaviour]>([
    ['is down', { type: 'down' }],
    ['is slow', { type: 'slow', delayMs: 1_000 }],
    ['answers 403', { type: 'answers', status: 403 }],
    ['answers 404', { type: 'answers', status: 404 }],
    ['answers 409', { type: 'answers', status: 409 }],
    ['answers 429', { type: 'answers', status: 429, headers: { 'retry-after': '2' } }],
    ['answers 500', { type: 'answers', status: 500 }],
  ])('%s: the run goes on, and its checks are complete at the end', async (what, behaviour) => {
    const before = proxy.struck;
    await proxy.behave(behaviour);
    const sha = await whole.copy.push('main', { '.slipway.yaml': pipeline, what }, `It ${what}`);
    await new Promise((resolve) => setTimeout(resolve, faultMs));
    await proxy.behave({ type: 'well' });
    await until(() => stateOf(sha, 'first') === 'running');
    await proxy.behave(behaviour);
    // A stage whose source the host does not give yet waits for it; the others end meanwhile.
    await until(() => ['succeeded', 'failed'].includes(stateOf(sha, 'first')));
    await new Promise((resolve) => setTimeout(resolve, faultMs));
    await proxy.behave({ type: 'well' });
    await until(() => runOf(sha)?.outcome !== undefined);

    const run = runOf(sha);
    expect(run === undefined ? undefined : runStatus(run)).toBe('FAILED');
    expect(run?.plan.source.type).toBe('file');
    expect(['first', 'second', 'broken'].map((name) => stateOf(sha, name))).toEqual([
      'succeeded',
      'succeeded',
      'failed',
    ]);
    await until(async () => (await checksOf(sha)).every(({ status }) => status === 'completed'));
    expect((await checksOf(sha)).map(({ name, conclusion }) => `${name}: ${conclusion}`).sort()).toEqual([
      'slipway / broken: failure',
      'slipway / first: success',
      'slipway / second: success',
    ]);
    expect([...runs.values()].filter(({ trigger }) => trigger.headSha === sha)).toHaveLength(1);
    if (behaviour.type !== 'down') expect(proxy.struck).toBeGreaterThan(before);
  });

  it('was away while a run ended: its checks are completed after a restart, too', async () => {
    const sha = await whole.copy.push(
      'main',
      { '.slipway.yaml': 'stages: { first: { commands: [sleep 2] } }' },
      'Restart',
    );
    await until(() => stateOf(sha, 'first') === 'running');
    await proxy.behave({ type: 'down' });
    await until(() => runOf(sha)?.outcome !== undefined);
    const slipway = await whole.restart();
    await proxy.behave({ type: 'well' });
    await until(async () => (await checksOf(sha, 1)).every(({ status }) => status === 'completed'));
    await slipway.shown();
  });

  function runOf(sha: string): Run | undefined {
    return [...runs.values()].find(({ trigger }) => trigger.headSha === sha);
  }

  function stateOf(sha: string, stage: string): string {
    return runOf(sha)?.stages[stage]?.status ?? 'unknown';
  }

  async function checksOf(sha: string, count = 3) {
    const path = `/repos/acme/web/commits/${sha}/check-runs?per_page=100`;
    const response = await fetch(`${whole.host.apiUrl}${path}`, {
      headers: { authorization: `Bearer ${whole.token}` },
    });
    const { check_runs } = checksSchema.parse(await response.json());
    // None yet is not complete either.
    return check_runs.length === count ? check_runs : [{ name: 'missing', status: 'missing', conclusion: null }];
  }

  async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!(await isSo())) {
      if (Date.now() > deadline)
        throw new Error(`It did not come to that: ${JSON.stringify([...runs.values()].at(-1))}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});
