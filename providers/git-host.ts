import type { Person, ReactionContent, RepositoryRef, Sha } from '../engine/core/trigger.ts';

/** How much may be asked within a time. */
export interface Limit {
  readonly amount: number;
  readonly perMs: number;
}

/** What a host lets one tenant ask for, beyond which it refuses everything for a while. Empty: it counts nothing. */
export interface RequestLimits {
  /** Of all requests together, each at its price. */
  readonly points: readonly Limit[];
  readonly pointsPerRead: number;
  readonly pointsPerWrite: number;
  /** Of comments that are written or edited, beside their points. */
  readonly content: readonly Limit[];
}

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
  /** `told`: a delivery comes for each; `polled`: they have to be asked for; `none`: a reply takes their place. */
  readonly reactions: 'told' | 'polled' | 'none';
  readonly labels: boolean;
  /** Teams (GitLab: groups) whose members can be looked up. */
  readonly teams: boolean;
  /** The host's own button to run a check again. */
  readonly rerunButton: boolean;
  /** The host takes lines that start with `/` for itself: commands need the `/slipway` prefix. */
  readonly slashCommandsTaken: boolean;
  /** The host keeps a log of deliveries, and sends one again when asked. */
  readonly redelivery: boolean;
  /** It takes a pull request of ours that brings a branch back to what it held before. */
  readonly opensPullRequests: boolean;
  /** Where the owners of paths are written down; the first file that is there counts. */
  readonly codeOwnersPaths: readonly string[];
  /** What our permissions are called there, for words to people. */
  readonly permissionNames: Readonly<Record<Exclude<Permission, 'none'>, string>>;
  readonly limits: RequestLimits;
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

/** A button on a check, where `capabilities.rerunButton` is: it comes back as an event with its id. */
export interface CheckButton {
  /** At most 20 characters, as the label is. */
  readonly id: string;
  readonly label: string;
  /** At most 40 characters. */
  readonly description: string;
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
  /** Of this repository, with the commit at its head: by it some hosts tie a result to a pull request. */
  readonly branch?: string;
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
  /** At most three; shown once it is completed. */
  readonly buttons?: readonly CheckButton[];
  readonly detailsUrl?: string;
  /** An earlier attempt to publish it was not seen to end: the host is asked by `externalId` before another one is made. */
  readonly mayExist?: boolean;
}

export interface PullRequest {
  readonly number: number;
  readonly title: string;
  readonly state: 'open' | 'closed' | 'merged';
  readonly headRef: string;
  readonly headSha: Sha;
  /** The host's id of the repository that the head lives in; absent when that is gone. */
  readonly headRepositoryId?: string;
  readonly isFork: boolean;
  readonly baseRef: string;
  readonly baseSha: Sha;
  readonly isDraft: boolean;
  readonly author: string;
  /** The author's id at the host. */
  readonly authorId: string;
  readonly labels: readonly string[];
}

export interface DeploymentReport {
  readonly environment: string;
  readonly sha: Sha;
  readonly state: 'in_progress' | 'success' | 'failure' | 'inactive';
  readonly description: string;
  readonly url?: string;
}

/** One commit on a branch of its own that makes `base` hold what it held at `sha`. */
export interface ProposedState {
  /** Made of `tip` and `sha`, so that the same change has the same one. */
  readonly branch: string;
  readonly base: string;
  /** Where `base` stands. */
  readonly tip: Sha;
  /** `tip` or one of the commits before it. */
  readonly sha: Sha;
  readonly title: string;
  readonly body: string;
}

/** A comment in the conversation of a pull request. */
export interface Comment {
  readonly id: string;
  readonly author: Person;
  /** As written: hostile until shown otherwise. */
  readonly body: string;
  readonly createdAt: Date;
}

export interface Reaction {
  readonly by: Person;
  readonly content: ReactionContent;
}

/** A label of a repository. The colour is six hexadecimal digits. */
export interface Label {
  readonly name: string;
  readonly color: string;
  readonly description: string;
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
  defaultBranch(repository: RepositoryRef): Promise<string>;
  branchHead(repository: RepositoryRef, branch: string): Promise<Sha | undefined>;
  /** Tips of all branches, at most 1,000. `isComplete` false: the host has more, behind those that are listed. */
  branchHeads(repository: RepositoryRef): Promise<{
    readonly heads: readonly { readonly branch: string; readonly sha: Sha }[];
    readonly isComplete: boolean;
  }>;
  /**
   * The commits that tags name, annotated or not: at most 1,000, the newest first where the host can say which they are.
   * `isComplete` false: the host has more, behind those that are listed.
   */
  tagHeads(repository: RepositoryRef): Promise<{
    readonly heads: readonly { readonly tag: string; readonly sha: Sha }[];
    readonly isComplete: boolean;
  }>;
  pullRequest(repository: RepositoryRef, number: number): Promise<PullRequest | undefined>;
  openPullRequests(repository: RepositoryRef): Promise<readonly PullRequest[]>;
  /** Paths that a pull request changes, old names too. On overflow `isComplete` is false: take it as "everything changed". */
  pullRequestFiles(
    repository: RepositoryRef,
    number: number,
  ): Promise<{ readonly paths: readonly string[]; readonly isComplete: boolean }>;
  /** The pull request whose merge made this commit. */
  mergedAs(repository: RepositoryRef, sha: Sha): Promise<number | undefined>;
  /** Whether `sha` is `tip` or one of the commits before it. Something that was pushed away by force is not. */
  holds(repository: RepositoryRef, tip: Sha, sha: Sha): Promise<boolean>;
  /** Looked up at each call, never kept: a person's rights may be gone a second later. Strangers have `none`. */
  permissionOf(repository: RepositoryRef, login: string): Promise<Permission>;
  /**
   * Looked up at each call, never kept. False where `capabilities.teams` is.
   * @param team as CODEOWNERS names it, without the `@`: `organisation/team`, GitLab `group/subgroup`
   */
  isTeamMember(repository: RepositoryRef, team: string, login: string): Promise<boolean>;
  /** The login that our own comments and reactions carry, so that they are never taken for a person's. */
  ownLogin(): Promise<string>;

  /** Read access for one clone. Short-lived, for this repository alone; the URL holds no secret. */
  cloneAccess(repository: RepositoryRef): Promise<{
    readonly url: string;
    readonly credential?: { readonly username: string; readonly password: string };
  }>;

  /**
   * Publishes a check; with `known` it updates that one, else it creates (or finds by externalId) one.
   * Annotations are sent in batches and appended once. Where the host takes no results for a commit that only a fork has,
   * nothing is published, and that is no fault: the comment tells.
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
  /** Adds a comment of its own. @returns its id */
  addComment(repository: RepositoryRef, number: number, body: string): Promise<string>;
  /** As it stands now, or undefined when it is gone. */
  comment(repository: RepositoryRef, number: number, commentId: string): Promise<Comment | undefined>;
  /** Adds our reaction to a comment; one that is there stays. Does nothing where `capabilities.reactions` is `none`. */
  react(repository: RepositoryRef, number: number, commentId: string, content: ReactionContent): Promise<void>;
  /** Those in our words, at most 1,000; none where hosts have none. */
  reactions(repository: RepositoryRef, number: number, commentId: string): Promise<readonly Reaction[]>;
  /** Labels of a pull request; none where hosts have none. */
  labels(repository: RepositoryRef, number: number): Promise<readonly string[]>;
  /** Puts on and takes off labels; what is so already stays so. Does nothing where `capabilities.labels` is false. */
  changeLabels(
    repository: RepositoryRef,
    number: number,
    change: { readonly add?: readonly string[]; readonly remove?: readonly string[] },
  ): Promise<void>;
  /**
   * Opens a pull request after which its base holds what it held at an earlier commit; asked again, it finds the open one.
   * @returns its number; undefined where `capabilities.opensPullRequests` is false
   * @throws GitHostError `denied` where we may not write code, `invalid` where the change is more than the host takes
   */
  proposeState(repository: RepositoryRef, change: ProposedState): Promise<number | undefined>;
  /**
   * Makes labels that the repository does not have yet; what it has stays as it is. Does nothing where `capabilities.labels`
   * is false.
   * @returns the names of those that were made
   */
  ensureLabels(repository: RepositoryRef, labels: readonly Label[]): Promise<readonly string[]>;
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

/** The parts of the port that every adapter builds in a file each. */
export type ReadsCode = Pick<
  GitHost,
  | 'readFile'
  | 'listFiles'
  | 'changedFiles'
  | 'defaultBranch'
  | 'branchHead'
  | 'branchHeads'
  | 'tagHeads'
  | 'cloneAccess'
>;
export type ReadsPullRequests = Pick<
  GitHost,
  'pullRequest' | 'openPullRequests' | 'pullRequestFiles' | 'mergedAs' | 'holds'
>;
export type ReadsPermissions = Pick<GitHost, 'permissionOf' | 'isTeamMember'>;
export type Converses = Pick<
  GitHost,
  'ownLogin' | 'addComment' | 'comment' | 'react' | 'reactions' | 'labels' | 'changeLabels' | 'ensureLabels'
>;
export type PublishesChecks = Pick<GitHost, 'publishCheck'>;
