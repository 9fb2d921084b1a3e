import type { RepositoryRef, Sha } from '../engine/core/trigger.ts';

/** What a host can do; the product reads these instead of asking which host it is. */
export interface GitHostCapabilities {
  readonly checks: 'check-runs' | 'statuses';
  readonly annotations: boolean;
  /** Longest comment, in characters. */
  readonly commentMaxChars: number;
  /** Longest summary and text of a check, each, in bytes of UTF-8. */
  readonly checkTextMaxBytes: number;
  readonly foldedSections: boolean;
  readonly deployments: boolean;
}

/** A place that a check points at. Lines are 1-based; the path is relative to the repository's root. */
export interface CheckAnnotation {
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly level: 'failure' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

export type CheckConclusion =
  | 'success'
  | 'failure'
  | 'neutral'
  | 'cancelled'
  | 'skipped'
  | 'timed_out'
  | 'action_required';

/** The result shown on a commit. Texts are Markdown, already escaped and within the host's limits. */
export interface CheckRun {
  readonly name: string;
  /** Ours; finds the check again after a crash. */
  readonly externalId: string;
  readonly state:
    | { readonly status: 'queued' }
    | { readonly status: 'in_progress'; readonly startedAt: Date }
    | {
        readonly status: 'completed';
        readonly conclusion: CheckConclusion;
        readonly startedAt: Date;
        readonly completedAt: Date;
      };
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
  readonly annotations: readonly CheckAnnotation[];
  readonly detailsUrl?: string;
  /** An earlier attempt to publish it was not seen to end: the host is asked by `externalId` before another one is made. */
  readonly mayExist?: boolean;
}

export interface PullRequest {
  readonly number: number;
  readonly title: string;
  readonly headRef: string;
  readonly headSha: Sha;
  readonly isFork: boolean;
  readonly baseRef: string;
  readonly baseSha: Sha;
  readonly isDraft: boolean;
  readonly author: string;
}

export interface DeploymentReport {
  readonly environment: string;
  readonly sha: Sha;
  readonly state: 'in_progress' | 'success' | 'failure' | 'inactive';
  readonly description: string;
  readonly url?: string;
}

export type Permission = 'admin' | 'write' | 'read' | 'none';

/**
 * A Git hosting service, as far as this project needs one. Every call has a time limit and throws
 * GitHostError: `denied`, `not-found`, `rate-limited` (see retryAfterMs), `unavailable`, `conflict`, `invalid`.
 */
export interface GitHost {
  readonly capabilities: GitHostCapabilities;

  /** Text of a file at a commit, or undefined when there is none. @throws GitHostError `invalid` past `maxBytes` or for no text */
  readFile(
    repository: RepositoryRef,
    sha: Sha,
    path: string,
    options: { readonly maxBytes: number },
  ): Promise<string | undefined>;
  /** Paths of all files at a commit. `isComplete` false: the host cut the list. */
  listFiles(
    repository: RepositoryRef,
    sha: Sha,
  ): Promise<{ readonly paths: readonly string[]; readonly isComplete: boolean }>;
  /** Paths that differ between the merge base and head. On overflow `isComplete` is false: take it as "everything changed". */
  changedFiles(
    repository: RepositoryRef,
    baseSha: Sha,
    headSha: Sha,
  ): Promise<{ readonly paths: readonly string[]; readonly isComplete: boolean }>;
  branchHead(repository: RepositoryRef, branch: string): Promise<Sha | undefined>;
  pullRequest(repository: RepositoryRef, number: number): Promise<PullRequest | undefined>;
  openPullRequests(repository: RepositoryRef): Promise<readonly PullRequest[]>;
  permissionOf(repository: RepositoryRef, login: string): Promise<Permission>;

  /** Read access for one clone. Short-lived, for this repository alone; the URL holds no secret. */
  cloneAccess(repository: RepositoryRef): Promise<{
    readonly url: string;
    readonly credential?: { readonly username: string; readonly password: string };
  }>;

  /**
   * Publishes a check; with `known` it updates that one, else it creates (or finds by externalId) one.
   * Annotations are sent in batches and appended once.
   * @returns the host's id, to be passed as `known` next time
   */
  publishCheck(repository: RepositoryRef, headSha: Sha, check: CheckRun, known: string | undefined): Promise<string>;
  /**
   * Keeps one comment per marker and pull request: edits our own one, never another author's; creates it when there is none.
   * @returns the comment's id, to be passed as `known` next time
   */
  ensureComment(
    repository: RepositoryRef,
    number: number,
    comment: { readonly marker: string; readonly body: string },
    known: string | undefined,
  ): Promise<string>;
  /** @returns the deployment's id, to be passed as `known` next time; undefined where hosts have no deployments */
  publishDeployment(
    repository: RepositoryRef,
    report: DeploymentReport,
    known: string | undefined,
  ): Promise<string | undefined>;

  /**
   * Asks the host to send again what did not arrive, where it keeps a log of deliveries.
   * @returns how many were asked for
   */
  redeliverMissed(): Promise<number>;
}
