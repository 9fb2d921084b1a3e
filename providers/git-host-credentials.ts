import { GitHostError } from './git-host-error.ts';

/** What one of Slipway's credentials at a host is worth now. */
export interface CredentialReport {
  /** The variable that gives it: `GITLAB_TOKEN`. */
  readonly name: string;
  /** The login that it acts as, where the host tells. */
  readonly actsAs?: string;
  /** From then on it is worth nothing; absent where the host does not tell, or it does not end. */
  readonly expiresAt?: Date;
  /** What it may do, in the host's words; absent where the host does not tell. */
  readonly scopes?: readonly string[];
  /** None: all is well. */
  readonly faults: readonly CredentialFault[];
}

export interface CredentialFault {
  /** `broken`: something does not work. `warning`: it works, and should not stay so. */
  readonly severity: 'broken' | 'warning';
  readonly why: string;
  readonly fix: string;
}

/** Slipway's credentials at a host. */
export interface HostCredentials {
  /** Asks the host about each. A host that does not answer is told as a fault of the credential, never thrown. */
  examine(): Promise<readonly CredentialReport[]>;
  /**
   * Trades those that end soon for new ones, where the host does that for the credential itself. The old one ends at once:
   * what is returned has to be kept.
   * @returns the variables that changed, with their new values; undefined where the host has nothing of the kind
   */
  renew?(names: readonly string[]): Promise<Readonly<Record<string, string>>>;
}

/** A host that refused, or did not answer, in the words of a fault. @throws whatever is no fault of a host */
export function faultOf(error: unknown): CredentialFault {
  if (!(error instanceof GitHostError)) throw error;
  return { severity: 'broken', why: error.why, fix: error.fix };
}
