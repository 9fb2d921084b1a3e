import type { ApprovalEvent } from './approval-events.ts';
import type { ApprovalSubject, ApprovedVia, Prompt, SubjectField } from './approval-subject.ts';
import type { Plan, PlannedStage } from './pipeline.ts';
import { type ApprovalPolicy, environmentPolicy } from './policy.ts';
import type { Person } from './trigger.ts';

export interface Consent {
  readonly by: Person;
  readonly via: ApprovedVia;
  readonly at: Date;
  /** Counts towards `required`; an owner's that is not named in the policy counts for what they own alone. */
  readonly counts: boolean;
  /** Places in the subject's `owners`. */
  readonly owns: readonly number[];
}

/** The newest request of a stage for consent. `approval` counts up per stage. */
export interface Approval {
  readonly approval: number;
  readonly subject: ApprovalSubject;
  readonly policy: ApprovalPolicy;
  readonly requestedAt: Date;
  readonly expiresAt?: Date;
  readonly prompt?: Prompt;
  readonly given: readonly Consent[];
  readonly status: 'open' | 'granted' | 'advanced' | 'rejected' | 'voided' | 'expired' | 'spent';
  /** Why the one before it was given up, for the next prompt. */
  readonly voided?: { readonly field: SubjectField; readonly was: string; readonly is: string };
}

/** What a stage's deploy needs consent by; undefined when it needs none. */
export function approvalPolicyOf(
  { policy }: Pick<Plan, 'policy'>,
  stage: PlannedStage | undefined,
): ApprovalPolicy | undefined {
  if (stage?.deploy === undefined) return undefined;
  // What was live there once was approved then: going back to it must not wait.
  if (stage.deploy.known?.wasLive === true) return undefined;
  return environmentPolicy(policy, stage.deploy.environment)?.approval;
}

/** Enough people, and an owner of every changed path that has owners. */
function isEnough({ policy, subject, given }: Pick<Approval, 'policy' | 'subject' | 'given'>): boolean {
  const owned = new Set(given.flatMap(({ owns }) => owns));
  return (
    given.filter(({ counts }) => counts).length >= policy.required &&
    subject.owners.every((_, index) => owned.has(index))
  );
}

/** Lets the stage go, as far as consent matters. */
export function isGranted(approval: Approval | undefined): boolean {
  return approval?.status === 'granted' || approval?.status === 'advanced';
}

/** Folds an event into the stage's request for consent. */
export function evolveApproval(
  before: Approval | undefined,
  event: ApprovalEvent,
  policy: ApprovalPolicy | undefined,
): Approval | undefined {
  if (event.type === 'ApprovalRequested') {
    if (policy === undefined) return before;
    const { approval, subject, at, expiresAt } = event;
    return {
      approval,
      subject,
      policy,
      requestedAt: at,
      given: [],
      status: 'open',
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(before?.status === 'voided' && before.voided !== undefined ? { voided: before.voided } : {}),
    };
  }
  if (before?.approval !== event.approval) return before;
  switch (event.type) {
    case 'ApprovalShown':
      return { ...before, prompt: event.prompt };
    case 'ApprovalGiven': {
      const { by, via, at, counts, owns } = event;
      const given = [...before.given, { by, via, at, counts, owns }];
      return { ...before, given, status: isEnough({ ...before, given }) ? 'granted' : 'open' };
    }
    case 'ApprovalRejected':
      return { ...before, status: 'rejected' };
    case 'ApprovalVoided': {
      const { field, was, is } = event;
      return { ...before, status: 'voided', voided: { field, was, is } };
    }
    case 'ApprovalExpired':
      return { ...before, status: event.advances ? 'advanced' : 'expired' };
  }
}
