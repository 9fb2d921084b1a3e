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
  | { readonly type: 'ScheduleStage'; readonly stage: string; readonly reason: string }
  | { readonly type: 'StartStage'; readonly stage: string; readonly attempt: number }
  | { readonly type: 'RecordResult'; readonly stage: string; readonly attempt: number; readonly result: AttemptResult }
  | { readonly type: 'CancelRun'; readonly by: Person | 'slipway'; readonly reason: string }
  | { readonly type: 'RetryStages'; readonly by: Person; readonly stages: readonly string[] | 'failed' };

/** Who asks, and when: the replica's epoch for the run, and the time to write into the events. */
export interface CommandContext {
  readonly at: Date;
  readonly epoch: number;
}
