import { expect, it } from 'vitest';
import { systemClock } from '../../engine/ports/clock.ts';
import { RunLoop } from '../../engine/run-loop.ts';
import { stage, trigger } from './core/given-run.ts';

it('commits on while snapshots cannot be saved, and tells why each time', async () => {
  const full = new Error('The disk is full');
  const told: unknown[] = [];
  const versions: number[] = [];
  const loop = new RunLoop({
    events: {
      append: async ({ version }) => {
        versions.push(version);
        return 'appended';
      },
      load: async () => [],
      streams: async function* () {},
    },
    snapshots: {
      save: async () => {
        throw full;
      },
      latest: async () => undefined,
      clear: async () => undefined,
    },
    clock: systemClock,
    replica: 'one',
    onError: (error) => told.push(error),
  });
  const plan = { source: { type: 'detected' as const, explanation: [] }, stages: [stage('build')] };
  await loop.send('r1', { type: 'CreateRun', runId: 'r1', trigger, plan, lane: 'main', team: 'a', replica: 'one' });
  for (let asked = 0; told.length < 2; asked += 1) {
    if (asked > 200) throw new Error('No snapshot was tried');
    const type = asked % 2 === 0 ? 'HoldStage' : 'ReleaseStage';
    await loop.send('r1', { type, stage: 'build', reason: 'a freeze' });
  }
  expect(told).toEqual([full, full]);
  expect(versions).toEqual(versions.map((_, index) => index + 1));
});
