import { rebuildRevisions } from '../deploy/rebuild-revisions.ts';
import type { Revisions } from '../deploy/revisions.ts';
import type { RolloutEvent } from '../deploy/rollout-events.ts';
import type { RunEvent } from '../engine/core/run-events.ts';
import type { EventStore } from '../engine/ports/event-store.ts';
import type { RunList } from '../engine/ports/run-list.ts';
import type { SnapshotStore } from '../engine/ports/snapshot-store.ts';
import type { RunLoop } from '../engine/run-loop.ts';

const tellEvery = 500;

/** How far a rebuild is. */
export interface Rebuilt {
  readonly runs: number;
  /** Of the environments' history, which comes last. */
  readonly rollouts: number;
  readonly isDone: boolean;
}

export type Rebuild = () => AsyncIterable<Rebuilt>;

/**
 * Makes the read models anew out of the logs: the list of runs, and what each environment ran. Works beside everything
 * else; broken off, it can be begun again. Unfinished runs that the list had lost are driven from then on.
 */
export function rebuildReadModels(parts: {
  readonly runEvents: EventStore<RunEvent>;
  readonly rolloutEvents: EventStore<RolloutEvent>;
  readonly snapshots: SnapshotStore;
  readonly loop: RunLoop;
  readonly runs: RunList;
  readonly revisions: Revisions;
}): Rebuild {
  const { runEvents, rolloutEvents, snapshots, loop, runs, revisions } = parts;
  return async function* rebuild() {
    // Only spares replay: one that is wrong is worse than none.
    await snapshots.clear();
    let count = 0;
    for await (const runId of runEvents.streams()) {
      const last = await loop.runAt(runId, Number.MAX_SAFE_INTEGER);
      if (last === undefined) continue;
      await runs.restore(last.run, last.version);
      if (last.run.outcome === undefined && loop.driven(runId) === undefined) await loop.takeOver(runId);
      count += 1;
      if (count % tellEvery === 0) yield { runs: count, rollouts: 0, isDone: false };
    }
    yield { runs: count, rollouts: await rebuildRevisions(rolloutEvents, revisions), isDone: true };
  };
}
