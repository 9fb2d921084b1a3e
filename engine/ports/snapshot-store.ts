import type { Run } from '../core/run.ts';

/** Folded runs that spare a long replay. A cache: losing one costs time only. */
export interface SnapshotStore {
  latest(runId: string): Promise<{ readonly run: Run; readonly version: number } | undefined>;
  save(run: Run, version: number): Promise<void>;
  /** Forgets all of them. */
  clear(): Promise<void>;
}
