import { expect, it } from 'vitest';
import { closeLogs } from '../../../app/reconcilers/close-logs.ts';
import type { RunEvent } from '../../../engine/core/run-events.ts';
import type { Commit } from '../../../engine/ports/event-store.ts';
import { RunLoop } from '../../../engine/run-loop.ts';
import { failed, stage, succeeded, trigger } from '../../engine/core/given-run.ts';

it('ends the logs that no agent will end, so that nobody follows them for ever', async () => {
  const commits: Commit<RunEvent>[] = [];
  const onError = (error: unknown) => {
    throw error;
  };
  const loop = new RunLoop({
    events: {
      append: async (commit) => {
        commits.push(commit);
        return 'appended';
      },
      load: async () => commits,
      streams: async function* () {},
    },
    snapshots: { save: async () => undefined, latest: async () => undefined, clear: async () => undefined },
    clock: { now: () => new Date() },
    replica: 'one',
    onError,
  });
  const closed: (readonly [string, number, string | undefined])[] = [];
  closeLogs({
    loop,
    logs: {
      close: async ({ stage: name, attempt }, missing) => {
        closed.push([name, attempt, missing]);
      },
    },
    onError,
  });
  await loop.send('r1', {
    type: 'CreateRun',
    runId: 'r1',
    trigger,
    plan: {
      source: { type: 'detected', explanation: [] },
      stages: ['good', 'lost', 'runs', 'waits'].map((it) => stage(it)),
    },
    lane: 'main',
    team: 'acme/web',
    replica: 'one',
  });
  for (const name of ['good', 'lost', 'runs'])
    await loop.send('r1', { type: 'ScheduleStage', stage: name, reason: 'room' });
  const end = { type: 'RecordResult', attempt: 1 } as const;
  await loop.send('r1', { ...end, stage: 'good', result: succeeded });
  const missing = 'what followed was lost with the agent';
  const result = failed({
    cause: { type: 'infrastructure', message: 'gone' },
    log: { lines: 0, bytes: 0, sha256: '', missing },
  });
  await loop.send('r1', { ...end, stage: 'lost', result });
  await loop.send('r1', { type: 'CancelRun', by: 'slipway', reason: 'a newer push' });
  expect(closed).toEqual([
    ['lost', 1, missing],
    ['lost', 1, 'the stage was cancelled: a newer push'],
    ['runs', 1, 'the stage was cancelled: a newer push'],
  ]);
});
