import type { AttemptRef } from './pod-runner.ts';

/** Lines of an attempt's log, gapless by sequence number from 0, masked already. */
export interface LogStore {
  /**
   * Keeps lines durably. Lines at or above the next expected number are taken, those below are already kept.
   * @returns the next expected number: all below it is safe
   * @throws EngineError `conflict` for a gap, `too-large` past the attempt's limit
   */
  append(attempt: AttemptRef, firstLine: number, lines: readonly string[]): Promise<number>;
  /** Kept lines from `fromLine`, oldest first, in batches. */
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
  /** The log has this many lines; followers end there. */
  complete(attempt: AttemptRef): Promise<void>;
}
