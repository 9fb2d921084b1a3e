export type EngineErrorCode =
  | 'invalid'
  | 'not-found'
  | 'conflict'
  | 'unavailable'
  /** A limit is reached that gets free by itself. */
  | 'exhausted'
  | 'denied'
  | 'too-large'
  | 'fenced'
  | 'unexpected';

/** A fault in the engine or a part it drives. `what` names the activity under way. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
  /** How long the other side wants to be left alone, where it said so. */
  readonly retryAfterMs?: number;

  constructor(facts: {
    readonly code: EngineErrorCode;
    readonly what: string;
    readonly why: string;
    readonly fix: string;
    readonly retryAfterMs?: number;
    readonly cause?: unknown;
  }) {
    super(`${facts.what}: ${facts.why}. ${facts.fix}`, { cause: facts.cause });
    this.code = facts.code;
    this.what = facts.what;
    this.why = facts.why;
    this.fix = facts.fix;
    if (facts.retryAfterMs !== undefined) this.retryAfterMs = facts.retryAfterMs;
  }
}
