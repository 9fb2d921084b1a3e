import type { ApprovalSubject, ApprovedVia, Prompt, SubjectField } from './approval-subject.ts';
import type { Person } from './trigger.ts';

/** What happened to a stage's request for consent. `approval` counts the stage's requests, from 1. */
export type ApprovalEvent = { readonly at: Date; readonly stage: string; readonly approval: number } & (
  | {
      /** A deploy waits for consent to exactly this. */
      readonly type: 'ApprovalRequested';
      readonly subject: ApprovalSubject;
      readonly expiresAt?: Date;
    }
  /** The prompt for it stands in a pull request. */
  | {
      readonly type: 'ApprovalShown';
      readonly prompt: Prompt;
    }
  | {
      readonly type: 'ApprovalGiven';
      readonly by: Person;
      readonly via: ApprovedVia;
      readonly counts: boolean;
      readonly owns: readonly number[];
    }
  | {
      readonly type: 'ApprovalRejected';
      readonly by: Person;
      readonly reason: string;
    }
  /** What was to be approved is not what it was: all consent to it is gone. */
  | {
      readonly type: 'ApprovalVoided';
      readonly field: SubjectField;
      readonly was: string;
      readonly is: string;
    }
  /** Nobody answered in time; `advances`: the policy lets it go on then. */
  | {
      readonly type: 'ApprovalExpired';
      readonly advances: boolean;
    }
);
