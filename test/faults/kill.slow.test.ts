import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { WorkingCopy } from '../../app/embedded/working-copy.ts';
import { ApartSlipway } from './apart-slipway.ts';
import { KillableSlipway } from './killable-slipway.ts';
import { Seeded } from './seeded.ts';

const kills = 20;
const runWithinMs = 120_000;
const names = ['a', 'b1', 'b2', 'b3', 'b4', 'c'];

const summaries = z.array(
  z.object({
    runId: z.string(),
    headSha: z.string(),
    status: z.string(),
    hasEnded: z.boolean(),
    stages: z.array(z.object({ name: z.string(), status: z.string() })),
  }),
);
const commits = z.array(
  z.object({
    events: z.array(z.object({ type: z.string(), stage: z.string().optional(), attempt: z.number().optional() })),
  }),
);
const checkRuns = z.object({ check_runs: z.array(z.object({ name: z.string(), status: z.string() })) });

/** Six stages, a then four at once then c; each tells when it begins and ends, in a file that outlives its pod. */
function pipeline(record: string): string {
  const stage = (name: string, needs: readonly string[]) =>
    `  ${name}:\n    needs: [${needs.join(', ')}]\n    commands:\n      - exec 9>>${record}.$SLIPWAY_RUN.${name}; flock -n 9 || echo "overlap $SLIPWAY_RUN ${name}" >> ${record}\n      - echo "begin $SLIPWAY_RUN ${name} $SLIPWAY_ATTEMPT" >> ${record}\n      - sleep 0.5\n      - echo "end $SLIPWAY_RUN ${name} $SLIPWAY_ATTEMPT" >> ${record}\n`;
  return `stages:\n${stage('a', [])}${['b1', 'b2', 'b3', 'b4'].map((name) => stage(name, ['a'])).join('')}${stage('c', ['b1', 'b2', 'b3', 'b4'])}`;
}

const spanMs = 2_600;
/** Printed, so that a failure can be seen again: `SEED=<it>`. */
const random = new Seeded(Number(process.env['SEED'] ?? Date.now() % 2 ** 31));

describe.each<[string, () => KillableSlipway]>([
  ['Slipway, its cluster and its Git host are killed', () => new KillableSlipway()],
  ['Slipway, its cluster in a process of its own, or both are killed', () => new ApartSlipway(random)],
])(`a run while %s ${kills} times (seed ${random.seed})`, (_, make) => {
  const slipway = make();
  const record = join(slipway.dataDir, 'record');
  let copy: WorkingCopy;

  async function copyOf(): Promise<WorkingCopy> {
    const port = readFileSync(join(slipway.dataDir, 'git-host', 'port'), 'utf8').trim();
    const token = readFileSync(join(slipway.dataDir, 'developer-token'), 'utf8').trim();
    return WorkingCopy.create(join(slipway.dataDir, 'copy'), {
      url: `http://127.0.0.1:${port}/acme/hello.git`,
      login: 'dev',
      token,
      email: 'dev@example.com',
    });
  }

  beforeAll(async () => {
    writeFileSync(record, '');
    await slipway.start();
    copy = await copyOf();
  });
  afterAll(() => slipway.close());

  async function runOf(sha: string): Promise<z.infer<typeof summaries>[number]> {
    const deadline = Date.now() + runWithinMs;
    for (;;) {
      const run = summaries.parse(await slipway.get('/runs?limit=50')).find(({ headSha }) => headSha === sha);
      if (run?.hasEnded === true) return run;
      if (Date.now() > deadline) throw new Error(`The run of ${sha} did not end: ${JSON.stringify(run)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function openChecks(sha: string): Promise<string[]> {
    const port = readFileSync(join(slipway.dataDir, 'git-host', 'port'), 'utf8').trim();
    const token = readFileSync(join(slipway.dataDir, 'developer-token'), 'utf8').trim();
    const response = await fetch(
      `http://127.0.0.1:${port}/api/v3/repos/acme/hello/commits/${sha}/check-runs?per_page=100`,
      { headers: { authorization: `Bearer ${token}` } },
    );
    const { check_runs } = checkRuns.parse(await response.json());
    const twice = names.filter((name) => check_runs.filter((check) => check.name === `slipway / ${name}`).length !== 1);
    return [
      ...check_runs.filter(({ status }) => status !== 'completed').map(({ name }) => name),
      ...twice.map((name) => `${name} shown not exactly once`),
    ];
  }

  it('goes on each time: nothing lost, nothing started twice, no check left open', async () => {
    const seen: string[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      // Spread over the life of a run of some two seconds.
      const afterMs = Math.round(random.next() * spanMs);
      const sha = await copy.push('main', { '.slipway.yaml': pipeline(record), kill: String(kill) }, `Kill ${kill}`);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await slipway.kill();
      await slipway.start();
      const run = await runOf(sha);
      expect(run, `killed after ${afterMs} ms`).toMatchObject({ status: 'SUCCEEDED' });
      seen.push(run.runId);

      const lines = readFileSync(record, 'utf8')
        .split('\n')
        .filter((line) => line.includes(` ${run.runId} `));
      const begins = lines.filter((line) => line.startsWith('begin'));
      expect(new Set(begins).size, `an attempt began twice, killed after ${afterMs} ms`).toBe(begins.length);

      expect(lines.filter((line) => line.startsWith('overlap'))).toEqual([]);

      const history = commits.parse(await slipway.get(`/runs/${run.runId}/events`)).flatMap(({ events }) => events);
      for (const name of names) {
        const ended = history.findIndex(({ type, stage }) => type === 'StageSucceeded' && stage === name);
        expect(
          history.slice(ended + 1).filter(({ type, stage }) => type === 'StageScheduled' && stage === name),
        ).toEqual([]);
      }
      const deadline = Date.now() + 30_000;
      for (let open = await openChecks(sha); open.length > 0; open = await openChecks(sha)) {
        if (Date.now() > deadline) throw new Error(`Checks left open, killed after ${afterMs} ms: ${open.join(', ')}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    expect(new Set(seen).size).toBe(kills);
  });
});
