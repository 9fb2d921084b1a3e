import type { ApprovalEvent } from './approval-events.ts';
import type { Plan } from './pipeline.ts';
import type { Person, RepositoryRef, Trigger } from './trigger.ts';

/** Priority class of a run. */
export type Lane = 'hotfix' | 'main' | 'feature';

/** A kept output: what the next stage, or a rollout, takes by digest. */
export interface Artifact {
  readonly name: string;
  /** `sha256:<64 hexadecimal digits>` over the stored archive. */
  readonly digest: string;
  readonly bytes: number;
}

/** A place in the source that a reader should look at. */
export interface Annotation {
  /** Relative to the repository's root. */
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly column?: number;
  readonly level: 'failure' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

/** An attempt's tests, counted from its reports. */
export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly durationMs: number;
}

/** The log of an attempt as its agent sent it: all lines from 0 to `lines`, without a gap. */
export interface LogSummary {
  readonly lines: number;
  readonly bytes: number;
  /** Over all lines, each with its line feed, as sent (masked). */
  readonly sha256: string;
  /** What of it was not kept, for people; absent where all of it was. */
  readonly missing?: string;
}

/** Why an attempt did not succeed. Only `command` and `timed-out` speak against the change itself. */
export type FailureCause =
  | { readonly type: 'command'; readonly exitCode: number }
  | { readonly type: 'timed-out'; readonly afterMs: number }
  | { readonly type: 'out-of-memory'; readonly limitBytes: number }
  | { readonly type: 'not-ready'; readonly message: string }
  | { readonly type: 'configuration'; readonly message: string }
  | { readonly type: 'infrastructure'; readonly message: string };

/** What a reader needs to see of a failed attempt. */
export interface FailureEvidence {
  /** Failing tests first, else the last useful lines; at most 30 lines, masked. */
  readonly excerpt: readonly string[];
  readonly annotations: readonly Annotation[];
}

/** What an environment ran or runs. */
export interface RevisionRef {
  readonly environment: string;
  /** Counts up per environment. */
  readonly revision: number;
  readonly digest: string;
}

export type RunEvent = { readonly at: Date } & (
  | {
      readonly type: 'RunCreated';
      readonly runId: string;
      readonly repository: RepositoryRef;
      readonly trigger: Trigger;
      readonly plan: Plan;
      readonly lane: Lane;
      readonly team: string;
    }
  | { readonly type: 'RunClaimed'; readonly replica: string; readonly epoch: number }
  | { readonly type: 'StageSkipped'; readonly stage: string; readonly reason: string }
  /** The scheduler granted a slot: from here on the pod by that name should exist. */
  | {
      readonly type: 'StageScheduled';
      readonly stage: string;
      readonly attempt: number;
      readonly podName: string;
      readonly reason: string;
    }
  /** The attempt's commands were allowed to start; given once for an attempt, to the agent process that asked. */
  | { readonly type: 'StageStarted'; readonly stage: string; readonly attempt: number; readonly asker?: string }
  | {
      readonly type: 'StageSucceeded';
      readonly stage: string;
      readonly attempt: number;
      readonly durationMs: number;
      readonly artifacts: readonly Artifact[];
      readonly annotations: readonly Annotation[];
      readonly log: LogSummary;
      readonly tests?: TestSummary;
      readonly deployed?: RevisionRef & { readonly url?: string };
    }
  | {
      readonly type: 'StageFailed';
      readonly stage: string;
      readonly attempt: number;
      readonly durationMs: number;
      readonly cause: FailureCause;
      readonly evidence: FailureEvidence;
      readonly log: LogSummary;
      readonly tests?: TestSummary;
      /** A failed rollout went back to this revision. */
      readonly rolledBackTo?: RevisionRef;
    }
  /** A further attempt is wanted, not before `notBefore`. */
  | {
      readonly type: 'StageRetryPlanned';
      readonly stage: string;
      readonly attempt: number;
      readonly notBefore: Date;
      readonly reason: string;
    }
  | { readonly type: 'StageCancelled'; readonly stage: string; readonly reason: string }
  | { readonly type: 'RunCancelRequested'; readonly by: Person | 'slipway'; readonly reason: string }
  /** A person asked for failed or named stages once more; they and what depends on them are open again. */
  | { readonly type: 'RunRetried'; readonly by: Person; readonly stages: readonly string[] }
  /** A deploy may not start now; the reason is for people. */
  | { readonly type: 'StageHeld'; readonly stage: string; readonly reason: string }
  | { readonly type: 'StageReleased'; readonly stage: string }
  | { readonly type: 'LaneChanged'; readonly lane: Lane; readonly by: Person; readonly reason: string }
  | { readonly type: 'RunFinished'; readonly outcome: RunOutcome }
  | ApprovalEvent
);

export type RunOutcome = 'SUCCEEDED' | 'FAILED' | 'ROLLED_BACK' | 'CANCELLED';
