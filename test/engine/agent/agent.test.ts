import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PodHarness } from './pod-harness.ts';

describe('the agent', () => {
  let pod: PodHarness;
  beforeEach(() => {
    pod = new PodHarness();
  });
  afterEach(() => pod.close());

  it('runs the commands on the source at the exact commit and reports their log', async () => {
    const result = await pod.run(
      { 'hello.txt': 'hi\n' },
      { commands: ['cat hello.txt', 'echo "$WHO" >&2'], env: { WHO: "it's me" } },
    );
    expect(result).toMatchObject({ outcome: 'succeeded', artifacts: [] });
    const log = await pod.log();
    expect(log).toEqual(['$ cat hello.txt', 'hi', '$ echo "$WHO" >&2', "it's me"]);
    const sha256 = createHash('sha256')
      .update(`${log.join('\n')}\n`)
      .digest('hex');
    expect(result.log).toEqual({ lines: 4, bytes: Buffer.byteLength(`${log.join('\n')}\n`), sha256 });
  });

  it('stops at the first failing command and shows the last lines', async () => {
    const result = await pod.run(
      { 'a.js': 'x' },
      { commands: ['echo "a.js:1:1: error: no semicolon"', 'exit 3', 'echo never'] },
    );
    expect(result).toMatchObject({
      outcome: 'failed',
      cause: { type: 'command', exitCode: 3 },
      evidence: { annotations: [{ path: 'a.js', line: 1, column: 1, level: 'failure' }] },
    });
    expect(await pod.log()).not.toContain('never');
  });

  it('reads JUnit reports and points at the failing line', async () => {
    const test = `import { test } from 'node:test';
import assert from 'node:assert/strict';
test('adds', () => {
  assert.equal(1 + 1, 3);
});
test('holds', () => {});
`;
    const reporter =
      '--test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=junit.xml';
    const result = await pod.run(
      { 'sum.test.js': test, 'package.json': '{"type":"module"}' },
      { commands: [`node --test ${reporter}`], reports: [{ format: 'junit', path: 'junit.xml' }] },
    );
    expect(result).toMatchObject({
      outcome: 'failed',
      tests: { passed: 1, failed: 1, skipped: 0 },
      evidence: { annotations: [{ path: 'sum.test.js', line: 4, title: 'adds' }] },
    });
    expect(result.outcome === 'failed' && result.evidence.excerpt.join('\n')).toContain('✗ adds');
  });

  it('hands artifacts on by digest, the same content always under the same one', async () => {
    const make = {
      commands: ['mkdir -p out/deep', 'echo 1 > out/deep/a', 'echo 2 > out/b'],
      artifactsOut: [{ name: 'app', path: 'out' }],
    };
    const first = await pod.run({}, make);
    const other = new PodHarness();
    try {
      const second = await other.run({}, make);
      expect(first.outcome === 'succeeded' && first.artifacts).toEqual(
        second.outcome === 'succeeded' && second.artifacts,
      );
    } finally {
      await other.close();
    }
    const [artifact] = first.outcome === 'succeeded' ? first.artifacts : [];
    expect(artifact?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);

    const taker = new PodHarness();
    try {
      if (artifact === undefined) throw new Error('no artifact');
      await taker.artifacts.put('tenant', pod.artifacts.get('tenant', artifact.digest), {
        maxBytes: 2 ** 20,
        expectedDigest: artifact.digest,
      });
      const taken = await taker.run({}, { artifactsIn: [artifact], commands: ['cat app/deep/a app/b'] });
      expect(taken.outcome).toBe('succeeded');
      expect(await taker.log()).toEqual(['$ cat app/deep/a app/b', '1', '2']);
    } finally {
      await taker.close();
    }
  });

  it('fails with a clear cause when an artifact was not made', async () => {
    const result = await pod.run({}, { artifactsOut: [{ name: 'app', path: 'dist' }] });
    expect(result).toMatchObject({
      outcome: 'failed',
      cause: { type: 'configuration', message: "The artifact's path dist does not exist after the commands" },
    });
  });

  it('masks secrets, also when they are split over writes, in base64 and in a result', async () => {
    const secret = 'hunter2-very-secret';
    const result = await pod.run(
      {},
      {
        secrets: { TOKEN: secret },
        commands: [
          'printf "%s" "$TOKEN" | cut -c1-7 | tr -d "\\n"; sleep 0.3; printf "%s\\n" "$TOKEN" | cut -c8-',
          'printf "%s" "$TOKEN" | base64; exit 1',
        ],
      },
    );
    expect(JSON.stringify(await pod.log()) + JSON.stringify(result)).not.toMatch(/hunter2|aHVudGVyMi/);
    expect((await pod.log()).filter((line) => line.includes('***'))).toHaveLength(2);
  });

  it('stops commands that ignore SIGTERM, and their children, at the timeout', async () => {
    const result = await pod.run(
      {},
      { timeoutMs: 1_000, commands: ['trap "" TERM; sleep 300 & while true; do sleep 1; done'] },
    );
    expect(result).toMatchObject({ outcome: 'failed', cause: { type: 'timed-out', afterMs: 1_000 } });
  });

  it('tells that the commands ran out of memory, when the stage says so beside their exit code', async () => {
    const result = await pod.run({}, { commands: ['printf "137 oom\\n" >"$SLIPWAY_CONTROL/exit"; sleep 30'] });
    expect(result).toMatchObject({ outcome: 'failed', cause: { type: 'out-of-memory', limitBytes: 2 ** 30 } });
  });

  it.each(['work', 'start', 'go', 'lines', 'result'] as const)(
    'asks once more when the controller could not answer about its %s, and runs the commands once',
    async (what) => {
      pod.unanswered.add(what);
      const result = await pod.run({}, { commands: ['echo begun'] });
      expect(result).toMatchObject({ outcome: 'succeeded', log: { lines: 2 } });
      expect(pod.unanswered.size).toBe(0);
      expect(await pod.log()).toEqual(['$ echo begun', 'begun']);
      expect(pod.starts).toBe(1);
    },
  );

  it('ends with its commands, whatever they left running behind them', async () => {
    const result = await pod.run({}, { timeoutMs: 20_000, commands: ['sleep 300 & echo started'] });
    expect(result).toMatchObject({ outcome: 'succeeded' });
    expect(result.durationMs).toBeLessThan(20_000);
  });

  it('takes commands far longer than an argument may be', async () => {
    const long = 'x'.repeat(300_000);
    const result = await pod.run(
      {},
      { commands: [`: ${long}`, 'echo "$LONG" | wc -c'], env: { LONG: 'y'.repeat(100_000) } },
    );
    expect(result).toMatchObject({ outcome: 'succeeded' });
    expect((await pod.log()).at(-1)?.trim()).toBe('100001');
  });

  it('reports far more than a termination message may hold', async () => {
    const lines = Array.from({ length: 60 }, (_, index) => `a.js:1:${index + 1}: error: ${'long '.repeat(70)}`);
    const result = await pod.run(
      { 'a.js': 'x', 'lines.txt': lines.join('\n') },
      { commands: ['cat lines.txt', 'exit 1'] },
    );
    expect(result).toMatchObject({ outcome: 'failed', cause: { type: 'command', exitCode: 1 } });
    expect(JSON.stringify(result).length).toBeGreaterThan(5_000);
  });

  it('leaves without a result when the run is cancelled', async () => {
    pod.work({}, { commands: ['echo begun', 'sleep 300'] });
    const { agent, stage } = pod.start(await pod.listen());
    while (!(await pod.log()).includes('begun')) await new Promise((resolve) => setTimeout(resolve, 20));
    pod.cancel('superseded');
    await Promise.all([once(agent, 'exit'), once(stage, 'exit')]);
    expect(pod.results).toEqual([]);
  });

  it('loses and doubles no line when the controller dies, and starts nothing twice', async () => {
    pod.work(
      {},
      {
        commands: [
          'i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); sleep 0.005; done',
          'echo started >> count',
        ],
      },
    );
    const port = await pod.listen();
    pod.start(port);
    for (let kills = 0; kills < 3; kills += 1) {
      while ((await pod.log()).length < 60 * (kills + 1)) await new Promise((resolve) => setTimeout(resolve, 10));
      await pod.unlisten();
      await new Promise((resolve) => setTimeout(resolve, 150));
      await pod.listen(port);
    }
    const result = await pod.done();
    expect(result.outcome).toBe('succeeded');
    expect((await pod.log()).filter((line) => line.startsWith('line '))).toEqual(
      Array.from({ length: 300 }, (_, index) => `line ${index}`),
    );
    expect(readFileSync(join(pod.workspace, 'count'), 'utf8')).toBe('started\n');
    expect(pod.starts).toBe(1);
  });

  const slowLines = (count: number) =>
    `i=0; while [ $i -lt ${count} ]; do echo "line $i"; i=$((i+1)); sleep 0.005; done`;
  const linesOf = (log: readonly string[]) => log.filter((line) => line.startsWith('line '));
  const expected = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);
  const grownTo = async (count: number) => {
    while ((await pod.log()).length < count) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it('sends again what the controller turns out not to have, found in the middle of the log or at its end', async () => {
    pod.work({}, { commands: [slowLines(300)] });
    const port = await pod.listen();
    pod.start(port);
    await grownTo(100);
    await pod.unlisten();
    // The newest are gone: the next line finds it out.
    expect(await pod.loseLines((firstLine) => firstLine > 50)).toBeGreaterThan(0);
    await pod.listen(port);
    await grownTo(200);
    // Older ones are gone: only the comparison at the end finds it out.
    expect(await pod.loseLines((firstLine) => firstLine > 20 && firstLine < 120)).toBeGreaterThan(0);
    await pod.reconnect(port);
    const result = await pod.done();
    expect(result).toMatchObject({ outcome: 'succeeded', log: { lines: 301 } });
    expect(result.log.missing).toBeUndefined();
    expect(linesOf(await pod.log())).toEqual(expected(300));
  });

  it('ends a stage whose log cannot be made whole, and says what of it is missing', async () => {
    pod.work({}, { commands: [slowLines(400)] });
    const port = await pod.listen();
    pod.start(port);
    await grownTo(50);
    // The agent's own copy is gone too.
    writeFileSync(join(pod.folder, 'home', 'slipway-log'), '');
    expect(await pod.loseLines((firstLine) => firstLine > 10 && firstLine < 40)).toBeGreaterThan(0);
    await pod.reconnect(port);
    const result = await pod.done();
    expect(result.outcome).toBe('succeeded');
    expect(result.log.missing).toMatch(/hashes differ|are kept without a gap/);
    expect((await pod.log()).at(-1)).toMatch(/^slipway: this log is not whole: /);
  });

  it('gets nothing with a wrong token', async () => {
    pod.work({}, {});
    writeFileSync(join(pod.folder, 'token'), 'stolen');
    const { agent } = pod.start(await pod.listen());
    const [code] = await once(agent, 'exit');
    expect(code).toBe(3);
    expect(existsSync(join(pod.workspace, '.git'))).toBe(false);
  });

  it('takes binary output and lines of any length', async () => {
    const result = await pod.run(
      {},
      { commands: ['head -c 100000 /dev/urandom', 'echo; head -c 10000000 /dev/zero | tr "\\0" x; echo'] },
    );
    expect(result.outcome).toBe('succeeded');
    const log = await pod.log();
    expect(Math.max(...log.map(({ length }) => length))).toBeLessThanOrEqual(64 * 1024);
    expect(log.join('').match(/x/g)?.length).toBeGreaterThanOrEqual(10_000_000);
  });
});
