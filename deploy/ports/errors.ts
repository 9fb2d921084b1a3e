export type DeployErrorCode = 'invalid' | 'not-found' | 'conflict' | 'denied' | 'unavailable';

/** A fault while moving an environment. `what` names the activity under way. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
  readonly code: DeployErrorCode;
  readonly what: string;
  readonly why: string;
  readonly fix: string;

  constructor(facts: {
    readonly code: DeployErrorCode;
    readonly what: string;
    readonly why: string;
    readonly fix: string;
    readonly cause?: unknown;
  }) {
    super(`${facts.what}: ${facts.why}. ${facts.fix}`, { cause: facts.cause });
    this.code = facts.code;
    this.what = facts.what;
    this.why = facts.why;
    this.fix = facts.fix;
  }
}
