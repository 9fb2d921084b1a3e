import type { LogSummary } from '../core/run-events.ts';
import type { AttemptRef } from './pod-runner.ts';

/** Lines of an attempt's log, gapless by sequence number from 0, masked already. */
export interface LogStore {
  /**
   * Keeps lines. Those at or above the next expected number are taken, those below are already kept.
   * @returns the next expected number: all below it is kept. Where it is below `firstLine`, lines between are missing,
   * and nothing was taken
   */
  append(attempt: AttemptRef, firstLine: number, lines: readonly string[]): Promise<number>;
  /** Kept lines from `fromLine`, oldest first, in batches; what is missing is told by a line in its place. */
  read(
    attempt: AttemptRef,
    fromLine: number,
  ): AsyncIterable<{ readonly firstLine: number; readonly lines: readonly string[] }>;
  /** Kept lines as they come, until the attempt's log is complete or the signal fires. */
  follow(
    attempt: AttemptRef,
    fromLine: number,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly firstLine: number; readonly lines: readonly string[] }>;
  /** Ends the log, and who follows it, if what is kept is what was sent: as many lines, and the same hash over them. */
  complete(attempt: AttemptRef, sent: LogSummary): Promise<Kept>;
  /**
   * Ends a log of which no more will come. One that has ended already stays as it is.
   * @param missing what is not in it, for people; absent where nothing is
   */
  close(attempt: AttemptRef, missing?: string): Promise<void>;
  /**
   * Removes what was kept for as long as logs are kept, a bounded part at a time.
   * @param isWanted runs whose logs stay for another while
   * @returns how much is gone
   */
  expire(isWanted: (runId: string) => boolean): Promise<number>;
}

/** Whether all of a log is kept. */
export type Kept =
  | { readonly isWhole: true }
  /** `resendFrom`: the first line that is missing. Absent: sending again would not help. `why` is for people. */
  | { readonly isWhole: false; readonly why: string; readonly resendFrom?: number };
