import type { RunEvent } from '../core/run-events.ts';

/** One atomic step of a run: the events decided by one command on one state. */
export interface Commit {
  readonly runId: string;
  /** 1 for the first; each commit of a run is one more than the one before. */
  readonly version: number;
  /** Unique per command, so that after a time-out it is seen whether it landed. */
  readonly commandId: string;
  readonly events: readonly RunEvent[];
}

/** The append-only log of all runs. */
export interface EventStore {
  /**
   * Durable when it resolves. `conflict`: another commit has that version; load again and decide anew.
   * Appending the same commandId at the same version again is `appended`.
   * @throws EngineError `unavailable` when the store cannot tell whether it landed
   */
  append(commit: Commit): Promise<'appended' | 'conflict'>;
  /** Commits of a run after `afterVersion` (0: all), oldest first, without a gap. */
  load(runId: string, afterVersion: number): Promise<readonly Commit[]>;
}
