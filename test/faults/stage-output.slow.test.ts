import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Run } from '../../engine/core/run.ts';
import { mountable } from '../app/mountable.ts';
import { startWhole, type WholeSlipway } from '../app/whole-slipway.ts';
import { FaultyProxy } from './proxies/faulty-proxy.ts';

const floodBytes = 100_000_000;
const lineBytes = 10_000_000;
const withinMs = 180_000;
const maxGrowthBytes = 400 * 2 ** 20;
const checksSchema = z.object({
  check_runs: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      output: z.object({ title: z.string().nullable(), summary: z.string().nullable(), text: z.string().nullable() }),
    }),
  ),
});

/** Each stage does to Slipway what commands do when nobody watches. */
const pipeline = `stages:
  flood: { commands: ["head -c ${floodBytes} /dev/zero | tr '\\\\0' x | fold -w 99"] }
  binary: { commands: [head -c 3000000 /dev/urandom; exit 3] }
  line: { commands: ["head -c ${lineBytes} /dev/zero | tr '\\\\0' y; echo"] }
  secret: { commands: ["cut -c1-9 token | tr -d '\\\\n'; sleep 0.5; cut -c10- token; base64 -w0 token; exit 1"] }
  stubborn:
    timeout: 1s
    commands:
      - trap "" TERM
      - setsid sh -c 'trap "" TERM; while true; do sleep 1; done; true stubborn-child' &
      - while true; do sleep 1; done
  forks: { commands: ["for n in 1 2 3 4 5 6 7 8; do sh -c 'while true; do sleep 1; done; true forked-child' & done; echo forked"] }
  disk: { resources: { disk: 20Mi }, commands: [head -c 60000000 /dev/zero >big, sleep 120] }
`;

describe('commands that print, fork and write what they should not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-output-'));
  const runs = new Map<string, Run>();
  let whole: WholeSlipway;
  let proxy: FaultyProxy;
  let cloneToken = '';
  let run: Run;
  let sha = '';
  let growth = 0;

  beforeAll(async () => {
    whole = await startWhole(folder, {
      isPrivate: true,
      before: async (url) => {
        // The one secret that every stage's source needs, as the Git host sees it.
        proxy = await FaultyProxy.before(url, ({ url: path, headers }) => {
          const [, basic = ''] = /^Basic (.*)$/.exec(headers.authorization ?? '') ?? [];
          if (path?.includes('/git-upload-pack') === true && basic !== '')
            cloneToken = Buffer.from(basic, 'base64').toString().split(':')[1] ?? '';
        });
        return proxy.origin;
      },
    });
    whole.slipway.loop.onChange((change) => runs.set(change.run.runId, change.run));
    await ended(await whole.copy.push('main', { '.slipway.yaml': 'stages: { t: { commands: [ls] } }' }, 'Warm up'));
    expect(cloneToken).toMatch(/^ghs_[\w-]{40}$/);
    const before = process.memoryUsage.rss();
    const watcher = setInterval(() => {
      growth = Math.max(growth, process.memoryUsage.rss() - before);
    }, 100);
    sha = await whole.copy.push('main', { '.slipway.yaml': pipeline, token: `${cloneToken}\n` }, 'Misbehave');
    run = await ended(sha);
    clearInterval(watcher);
  }, 240_000);
  afterAll(async () => {
    await whole.stop();
    await proxy.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  it('keeps 100 MB of output, in bounded memory', async () => {
    expect(stageOf('flood')).toMatchObject({ status: 'succeeded', log: { lines: Math.ceil(floodBytes / 99) + 1 } });
    let count = 0;
    for await (const piece of await logOf('flood')) for (const character of piece) if (character === 120) count += 1;
    // The command's own line holds some of its letter too.
    expect(count).toBeGreaterThanOrEqual(floodBytes);
    expect(growth).toBeLessThan(maxGrowthBytes);
  });

  it('keeps what is no text as text, and shows it in the check', async () => {
    expect(stageOf('binary')).toMatchObject({ status: 'failed', cause: { type: 'command', exitCode: 3 } });
    const { output } = await checkOf('binary');
    expect(`${output.title}${output.summary}${output.text}`).toContain('Exit code 3');
    expect(`${output.title}${output.summary}${output.text}`).not.toMatch(/(?![\n\t])\p{Cc}/u);
  });

  it('cuts a line of 10 MB, and loses nothing of it', async () => {
    expect(stageOf('line').status).toBe('succeeded');
    const text = await textOf('line');
    expect(text.match(/y/g)?.length).toBeGreaterThanOrEqual(lineBytes);
    expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(64 * 1_024);
  });

  it('shows a secret nowhere, though it was split over writes', async () => {
    expect(stageOf('secret')).toMatchObject({ status: 'failed', cause: { type: 'command', exitCode: 1 } });
    const log = await textOf('secret');
    expect(log.match(/\*\*\*/g)).toHaveLength(2);
    const shown = [log, JSON.stringify(run), JSON.stringify(await checkOf('secret'))].join('\n');
    for (const form of [cloneToken, Buffer.from(cloneToken).toString('base64').slice(0, 20)])
      expect(shown).not.toContain(form);
  });

  it('ends what ignores SIGTERM, and children that run on', () => {
    expect(stageOf('stubborn')).toMatchObject({ status: 'failed', cause: { type: 'timed-out', afterMs: 1_000 } });
    expect(stageOf('forks').status).toBe('succeeded');
    const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    expect(processes).not.toMatch(/stubborn-child|forked-child/);
  });

  it('puts out what writes past its disk, says so, and does not try it again', async () => {
    const state = stageOf('disk');
    expect(state).toMatchObject({
      status: 'failed',
      attempt: 1,
      cause: { type: 'configuration', message: expect.stringMatching(/more than its disk holds.*"20Mi"/) },
    });
    expect((await checkOf('disk')).output.summary).toContain('more than its disk holds');
  });

  it('leaves no pod behind', async () => {
    const pods = join(folder, 'cluster', 'pods');
    for (let tries = 0; readdirSync(pods).length > 0 && tries < 200; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(readdirSync(pods)).toEqual([]);
  });

  it.skipIf(mountable !== undefined)(
    `outlives a full disk ${mountable === undefined ? '' : `(skipped: ${mountable})`}`,
    async () => {
      const pods = join(folder, 'cluster', 'pods');
      mkdirSync(pods, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', pods]);
      try {
        const fill = 'stages: { fill: { commands: [head -c 200000000 /dev/zero >big] } }';
        const full = await ended(await whole.copy.push('main', { '.slipway.yaml': fill }, 'Fill'));
        expect(full.stages['fill']).toMatchObject({
          status: 'failed',
          cause: { type: 'configuration', message: expect.stringContaining("disk of the stage's pod is full") },
        });
        const after = 'stages: { after: { commands: [echo room again] } }';
        const next = await ended(await whole.copy.push('main', { '.slipway.yaml': after }, 'After'));
        expect(next.outcome).toBe('SUCCEEDED');
      } finally {
        execFileSync('umount', ['-l', pods]);
      }
    },
  );

  function stageOf(name: string) {
    const state = run.stages[name];
    if (state === undefined) throw new Error(`There is no stage ${name}`);
    return state;
  }

  async function ended(of: string): Promise<Run> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = [...runs.values()].find(({ trigger, outcome }) => trigger.headSha === of && outcome !== undefined);
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`It did not end: ${JSON.stringify([...runs.values()].at(-1))}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function logOf(stage: string): Promise<AsyncIterable<Uint8Array>> {
    const apiToken = readFileSync(join(folder, 'api-token'), 'utf8');
    const response = await fetch(`${whole.slipway.url}/api/runs/${run.runId}/logs/${stage}`, {
      headers: { authorization: `Bearer ${apiToken}` },
    });
    if (response.body === null) throw new Error('There is no log');
    return response.body;
  }

  async function textOf(stage: string): Promise<string> {
    const pieces: Uint8Array[] = [];
    for await (const piece of await logOf(stage)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  async function checkOf(stage: string) {
    await whole.slipway.shown();
    const path = `/repos/acme/web/commits/${sha}/check-runs?per_page=100`;
    const response = await fetch(`${whole.host.apiUrl}${path}`, {
      headers: { authorization: `Bearer ${whole.token}` },
    });
    const found = checksSchema
      .parse(await response.json())
      .check_runs.find(({ name }) => name === `slipway / ${stage}`);
    if (found === undefined) throw new Error(`There is no check of ${stage}`);
    expect(found.status).toBe('completed');
    return found;
  }
});
