import type { Run } from '../core/run.ts';
import type { Database } from '../ports/database.ts';
import type { SnapshotStore } from '../ports/snapshot-store.ts';

/** Raised with every change to the shape of `Run`: older snapshots are then passed over. */
const runShape = 2;

interface StoredSnapshot {
  readonly _id: string;
  readonly shape: number;
  readonly version: number;
  readonly run: Run;
}

/** One snapshot per run, the latest; of another shape of `Run` there is none. */
export function mongoSnapshotStore(database: Database): SnapshotStore {
  const snapshots = database.collection<StoredSnapshot>('snapshots');
  return {
    async latest(runId) {
      const found = await snapshots.findOne({ _id: runId });
      return found?.shape === runShape ? { run: found.run, version: found.version } : undefined;
    },
    async save(run, version) {
      await snapshots.replaceOne({ _id: run.runId }, { shape: runShape, version, run }, { upsert: true });
    },
    async clear() {
      await snapshots.deleteMany({});
    },
  };
}
