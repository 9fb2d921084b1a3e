import type { EmbeddedDatabase } from '../../app/embedded/database/embedded-database.ts';
import { CreatePods, defaultCreatePodsSettings } from '../../app/reconcilers/create-pods.ts';
import { mongoEventStore } from '../../engine/mongo/event-store.ts';
import { mongoSnapshotStore } from '../../engine/mongo/snapshot-store.ts';
import { systemClock } from '../../engine/ports/clock.ts';
import type { AttemptPod, PodRunner } from '../../engine/ports/pod-runner.ts';
import { RunLoop } from '../../engine/run-loop.ts';
import { Scheduler } from '../../engine/scheduler.ts';
import { stage, trigger } from '../engine/core/given-run.ts';

/** The reference run of six stages: one, then four at once, then one. */
export const sixStages = [
  stage('a'),
  ...['b1', 'b2', 'b3', 'b4'].map((name) => stage(name, { needs: ['a'] })),
  stage('c', { needs: ['b1', 'b2', 'b3', 'b4'] }),
];

/** Slipway's engine over a store, with pods that a benchmark plays. */
export async function startEngine(
  database: EmbeddedDatabase,
  start: (pod: AttemptPod) => Promise<void>,
): Promise<RunLoop> {
  const onError = (error: unknown) => {
    throw error;
  };
  const loop = new RunLoop({
    events: mongoEventStore(database, 'run-events'),
    snapshots: mongoSnapshotStore(database),
    clock: systemClock,
    replica: 'bench',
    onError,
  });
  const pods: PodRunner = {
    start,
    stop: async () => undefined,
    watch: () => ({ stop: () => undefined }),
  };
  const createPods = new CreatePods({ loop, pods, clock: systemClock, settings: defaultCreatePodsSettings, onError });
  const unlimited = { teamSlots: Number.POSITIVE_INFINITY, poolSlots: Number.POSITIVE_INFINITY, ageAfterMs: 600_000 };
  new Scheduler({ loop, rules: unlimited, clock: systemClock, onError });
  createPods.start();
  return loop;
}

export async function createRun(loop: RunLoop, runId: string): Promise<void> {
  await loop.send(runId, {
    type: 'CreateRun',
    runId,
    trigger,
    plan: { source: { type: 'detected', explanation: [] }, stages: sixStages },
    lane: 'main',
    team: `team-${runId}`,
    replica: 'bench',
  });
}
