export type GitHostErrorCode =
  | 'denied'
  | 'not-found'
  | 'rate-limited'
  | 'conflict'
  | 'invalid'
  | 'unavailable'
  | 'unexpected';

/** A fault while talking to a Git host, the same codes for all adapters. `what` names the activity under way. */
export class GitHostError extends Error {
  override readonly name = 'GitHostError';
  readonly code: GitHostErrorCode;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
  /** For `rate-limited` and `unavailable`: how long the host asked us to wait. */
  readonly retryAfterMs?: number;

  constructor(facts: {
    readonly code: GitHostErrorCode;
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

  /** The same call may succeed later. */
  get isTransient(): boolean {
    return this.code === 'rate-limited' || this.code === 'unavailable' || this.code === 'conflict';
  }
}
