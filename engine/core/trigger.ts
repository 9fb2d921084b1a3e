/** A full hexadecimal commit hash, lower case: 40 characters (SHA-1) or 64 (SHA-256). Never a branch, never shortened. */
export type Sha = string & { readonly __brand: 'Sha' };

const fullHash = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** @throws RangeError when the text is no full commit hash */
export function Sha(text: string): Sha {
  if (!isSha(text)) throw new RangeError(`"${text.slice(0, 80)}" is not a full commit hash`);
  return text;
}

/** Whether a text is a full commit hash, lower case. */
export function isSha(text: string): text is Sha {
  return fullHash.test(text);
}

/** A repository at a provider. `tenant` owns it here: one installation, group or workspace. */
export interface RepositoryRef {
  /** `github`, `gitlab`, `bitbucket`, `gitea`, or `local` for a working tree without a server. */
  readonly provider: string;
  /** `<provider>:<installation>`; nothing crosses tenants. */
  readonly tenant: string;
  /** The provider's own stable id; survives renames. */
  readonly id: string;
  readonly owner: string;
  readonly name: string;
}

/** A person or bot at the provider. */
export interface Person {
  readonly login: string;
  readonly id: string;
}

interface TriggerFacts {
  readonly repository: RepositoryRef;
  readonly defaultBranch: string;
  readonly actor: Person;
  /** First line of the head commit's message, or the pull request's title; shown to people, never interpreted. */
  readonly title: string;
  readonly headSha: Sha;
}

export interface PushTrigger extends TriggerFacts {
  readonly type: 'push';
  readonly branch: string;
  /** Absent for a new branch. */
  readonly beforeSha?: Sha;
  /** The pull request whose merge made this commit, where the run deploys something. */
  readonly pullRequest?: {
    readonly number: number;
    readonly headSha: Sha;
    readonly authors: readonly Person[];
    readonly labels: readonly string[];
  };
}

export interface TagTrigger extends TriggerFacts {
  readonly type: 'tag';
  readonly tag: string;
}

export interface PullRequestTrigger extends TriggerFacts {
  readonly type: 'pull_request';
  /** `opened` also stands for reopened; `updated` is new commits or a new base. */
  readonly action: 'opened' | 'updated' | 'closed' | 'merged';
  /** The number people see (GitLab: iid). */
  readonly number: number;
  readonly author: Person;
  readonly headRef: string;
  /** The head lives in another repository than the base, or in one that is gone. */
  readonly isFork: boolean;
  /** Who let a fork's run go, for exactly this head. */
  readonly consentBy?: Person;
  readonly baseRef: string;
  readonly baseSha: Sha;
  readonly isDraft: boolean;
  readonly labels: readonly string[];
}

/** A merge queue wants to know whether its next state of a branch is good, before the branch moves there. */
export interface MergeGroupTrigger extends TriggerFacts {
  readonly type: 'merge_group';
  /** `removed`: merged, or out of the queue; nobody waits for the answer any more. */
  readonly action: 'requested' | 'removed';
  /** The queue's own branch, which holds the head while it is asked about. */
  readonly headRef: string;
  readonly baseRef: string;
  readonly baseSha: Sha;
}

/** A person asked for a run of a ref by command line or page. */
export interface ManualTrigger extends TriggerFacts {
  readonly type: 'manual';
  readonly branch: string;
  /** Where it was asked for by command, and where its words go. */
  readonly askedIn?: { readonly number: number; readonly commentId: string };
}

export interface ScheduleTrigger extends TriggerFacts {
  readonly type: 'schedule';
  readonly branch: string;
  readonly schedule: string;
}

/** What happened at a host, the same shape whatever the provider. */
export type Trigger =
  | PushTrigger
  | TagTrigger
  | PullRequestTrigger
  | MergeGroupTrigger
  | ManualTrigger
  | ScheduleTrigger;

export type TriggerType = Trigger['type'];

/** What makes two events of a host the same, besides their time: all fields equal. */
export interface EventKey {
  readonly tenant: string;
  readonly repositoryId: string;
  /** `branch main`, `tag v1`, `pull request 7`: what the event is about. */
  readonly subject: string;
  readonly base: string;
  readonly action: string;
  readonly before: string;
  readonly after: string;
}

/** What a delivery tells of a trigger, where it does not tell all: the host is asked for the rest. */
export type KnownOfTrigger =
  | (Omit<PushTrigger, 'defaultBranch'> & { readonly defaultBranch?: string })
  | (Omit<TagTrigger, 'defaultBranch'> & { readonly defaultBranch?: string })
  | (Pick<PullRequestTrigger, 'type' | 'action' | 'repository' | 'number' | 'actor'> & {
      readonly defaultBranch?: string;
    });

export interface IncompleteEvent {
  readonly type: 'incomplete';
  readonly known: KnownOfTrigger;
  readonly key: EventKey;
  /** The host sends it also when nothing moved: the same key as the last one is the same event, however long ago. */
  readonly mayHaveMovedNothing: boolean;
}

/** A branch or tag is gone: the same commit that is pushed there again is another event. */
export interface GoneEvent {
  readonly type: 'gone';
  readonly repository: RepositoryRef;
  readonly key: EventKey;
  /** Why nothing is run, for people. */
  readonly because: string;
}

/** What people and Slipway answer with, in our words; each host has its own names for them. */
export type ReactionContent = 'thumbs_up' | 'thumbs_down' | 'rocket' | 'eyes' | 'confused';

/** Something said about one pull request. What it may do is decided by looking up `by` at the host, never by the event. */
interface PullRequestEventFacts {
  readonly repository: RepositoryRef;
  /** Of the pull request, as people see it. */
  readonly number: number;
  readonly by: Person;
  /** Where the delivery tells it; GitHub's comments do not. */
  readonly headSha?: Sha;
}

/** A new comment of a person in the conversation: never an edited one, never a bot's, never one on a line of the code. */
export interface CommentEvent extends PullRequestEventFacts {
  readonly type: 'comment';
  readonly commentId: string;
  /** As written: hostile until shown otherwise. */
  readonly body: string;
}

/** A reaction to a comment, on hosts that tell of them. */
export interface ReactionEvent extends PullRequestEventFacts {
  readonly type: 'reaction';
  readonly commentId: string;
  readonly change: 'added' | 'removed';
  readonly content: ReactionContent;
}

/** Labels of a pull request changed. */
export interface LabelEvent extends PullRequestEventFacts {
  readonly type: 'label';
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** All it has now. */
  readonly labels: readonly string[];
}

/** What changed about an installation: whether Slipway is let in there, for what, and to which repositories. */
export type InstallationChange =
  | { readonly type: 'installed' | 'permissions_changed'; readonly repositories: 'all' | 'selected' }
  | { readonly type: 'suspended' | 'unsuspended' | 'removed' }
  | {
      readonly type: 'repositories_changed';
      readonly added: readonly RepositoryRef[];
      readonly removed: readonly RepositoryRef[];
    }
  /** `from`: its name or owner before. */
  | {
      readonly type: 'repository_renamed' | 'repository_transferred' | 'repository_deleted';
      readonly repository: RepositoryRef;
      readonly from?: string;
    };

/** A host tells of one of our installations. */
export interface InstallationEvent {
  readonly type: 'installation';
  readonly provider: string;
  readonly tenant: string;
  /** Absent where it was found out, and nobody told. */
  readonly by?: Person;
  /** Who installed it, as people know them, where the delivery tells. */
  readonly account?: string;
  /** What it grants, in the host's words, where the delivery tells. */
  readonly permissions?: Readonly<Record<string, string>>;
  readonly change: InstallationChange;
}

/** A delivery, understood. */
export type HostEvent =
  | { readonly type: 'trigger'; readonly trigger: Trigger; readonly key: EventKey }
  /** Someone pressed "re-run", or a button of ours, on a check, or on all checks of a commit (`checkId` absent). */
  | {
      readonly type: 'rerun';
      readonly repository: RepositoryRef;
      readonly headSha: Sha;
      readonly by: Person;
      /** Our own id of the check. */
      readonly checkId?: string;
      /** A button that we gave the check. */
      readonly button?: string;
      /** When the check that was pressed stood there, by the host's clock. */
      readonly stoodAt?: Date;
    }
  | IncompleteEvent
  | GoneEvent
  | CommentEvent
  | ReactionEvent
  | LabelEvent
  | InstallationEvent
  | { readonly type: 'ignored'; readonly because: string };
