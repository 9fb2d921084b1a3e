import type { ApprovalSubject, ApprovedVia, Prompt } from './approval-subject.ts';
import type { Plan } from './pipeline.ts';
import type {
  Annotation,
  Artifact,
  FailureCause,
  FailureEvidence,
  Lane,
  LogSummary,
  RevisionRef,
  TestSummary,
} from './run-events.ts';
import type { Person, Trigger } from './trigger.ts';

/** What an attempt came to, as its agent or rollout told it. */
export type AttemptResult = { readonly durationMs: number; readonly log: LogSummary; readonly tests?: TestSummary } & (
  | {
      readonly outcome: 'succeeded';
      readonly artifacts: readonly Artifact[];
      readonly annotations: readonly Annotation[];
      readonly deployed?: RevisionRef & { readonly url?: string };
    }
  | {
      readonly outcome: 'failed';
      readonly cause: FailureCause;
      readonly evidence: FailureEvidence;
      readonly rolledBackTo?: RevisionRef;
    }
);

/** What may be asked of a run. Facts such as time and names come with the command. */
export type RunCommand =
  | {
      readonly type: 'CreateRun';
      readonly runId: string;
      readonly trigger: Trigger;
      readonly plan: Plan;
      readonly lane: Lane;
      readonly team: string;
      readonly replica: string;
    }
  | { readonly type: 'ClaimRun'; readonly replica: string; readonly epoch: number }
  /** @param together further stages that got a slot at the same time: one commit holds all that may still have one */
  | {
      readonly type: 'ScheduleStage';
      readonly stage: string;
      readonly reason: string;
      readonly together?: readonly { readonly stage: string; readonly reason: string }[];
    }
  /**
   * @param now what a deploy that needed consent is about to do: it starts only when that is what was approved
   * @param asker the one agent process that asks: it is answered again what it may not have heard, and no other is
   */
  | {
      readonly type: 'StartStage';
      readonly stage: string;
      readonly attempt: number;
      readonly now?: ApprovalSubject;
      readonly asker?: string;
    }
  | { readonly type: 'RecordResult'; readonly stage: string; readonly attempt: number; readonly result: AttemptResult }
  | { readonly type: 'CancelRun'; readonly by: Person | 'slipway'; readonly reason: string }
  | { readonly type: 'RetryStages'; readonly by: Person; readonly stages: readonly string[] | 'failed' }
  | ApprovalCommand
  | { readonly type: 'HoldStage'; readonly stage: string; readonly reason: string }
  | { readonly type: 'ReleaseStage'; readonly stage: string }
  | { readonly type: 'ChangeLane'; readonly lane: Lane; readonly by: Person; readonly reason: string };

/** What may be asked of a request for consent; `approval` says which one of the stage. */
export type ApprovalCommand =
  | { readonly type: 'RequestApproval'; readonly stage: string; readonly subject: ApprovalSubject }
  | { readonly type: 'ShowApproval'; readonly stage: string; readonly approval: number; readonly prompt: Prompt }
  | {
      readonly type: 'GiveApproval';
      readonly stage: string;
      readonly approval: number;
      readonly by: Person;
      readonly via: ApprovedVia;
      readonly counts: boolean;
      readonly owns: readonly number[];
      /** As things are when it is counted. */
      readonly now: ApprovalSubject;
    }
  | {
      readonly type: 'RejectApproval';
      readonly stage: string;
      readonly approval: number;
      readonly by: Person;
      readonly reason: string;
    }
  | { readonly type: 'CheckApproval'; readonly stage: string; readonly approval: number; readonly now: ApprovalSubject }
  /** The prompt is gone, or is not as it was written. */
  | { readonly type: 'VoidPrompt'; readonly stage: string; readonly approval: number; readonly is: string }
  | { readonly type: 'ExpireApproval'; readonly stage: string; readonly approval: number };

/** Who asks, and when: the replica's epoch for the run, and the time to write into the events. */
export interface CommandContext {
  readonly at: Date;
  readonly epoch: number;
}
