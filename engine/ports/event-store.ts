/** One atomic step of a stream: the events decided by one command on one state. */
export interface Commit<E> {
  /** The aggregate's id: a run's, or a rollout's. Never holds a colon. */
  readonly stream: string;
  /** 1 for the first; each commit of a stream is one more than the one before. */
  readonly version: number;
  /** Unique per command, so that after a time-out it is seen whether it landed. */
  readonly commandId: string;
  readonly events: readonly E[];
}

/** An append-only log of streams of one kind of event. */
export interface EventStore<E> {
  /**
   * Durable when it resolves. `conflict`: another commit has that version; load again and decide anew.
   * Appending the same commandId at the same version again is `appended`.
   * @throws EngineError `unavailable` when the store cannot tell whether it landed
   */
  append(commit: Commit<E>): Promise<'appended' | 'conflict'>;
  /** Commits of a stream after `afterVersion` (0: all), oldest first, without a gap. */
  load(stream: string, afterVersion: number): Promise<readonly Commit<E>[]>;
  /** The ids of all streams, in their order, one at a time. */
  streams(): AsyncIterable<string>;
}
