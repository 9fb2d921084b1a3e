import type { PlannedStage } from './pipeline.ts';
import { type ApprovalPolicy, environmentPolicy } from './policy.ts';
import type { Run } from './run.ts';
import type { RunEvent } from './run-events.ts';
import type { Person, Sha } from './trigger.ts';

/** The one state that an approval is about. Whatever of it moves voids the approval. */
export interface ApprovalSubject {
  readonly environment: string;
  readonly headSha: Sha;
  /** What the difference is shown against: the commit that is live there; before the first deploy, the commit before. */
  readonly baseSha: Sha;
  /** Of what would be deployed. */
  readonly digest: string;
  /** `<revision> <digest>` that the environment runs, or `nothing`. */
  readonly live: string;
  /** Whose change it is: they are not asked about their own. */
  readonly authors: readonly Person[];
  /** The owners of the changed paths, each list once: one of each has to approve. Empty where the policy asks for none. */
  readonly owners: readonly (readonly string[])[];
}

export type SubjectField = 'head' | 'base' | 'digest' | 'environment' | 'live revision' | 'prompt';

/** Where an approval was asked for: a comment made for this state, and never used for another. */
export interface Prompt {
  /** Of the pull request. */
  readonly number: number;
  readonly commentId: string;
  /** SHA-256 of the comment as it was written. */
  readonly hash: string;
}

/** `command line`: by the operator of this Slipway. */
export type ApprovedVia = 'command' | 'reaction' | 'command line';

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
export function approvalPolicyOf(run: Run, stage: PlannedStage | undefined): ApprovalPolicy | undefined {
  if (stage?.deploy === undefined) return undefined;
  // What was live there once was approved then: going back to it must not wait.
  if (stage.deploy.known?.wasLive === true) return undefined;
  return environmentPolicy(run.plan.policy, stage.deploy.environment)?.approval;
}

/** The first field that is another one now. */
export function driftOf(
  subject: ApprovalSubject,
  now: ApprovalSubject,
): { readonly field: SubjectField; readonly was: string; readonly is: string } | undefined {
  const fields: readonly (readonly [SubjectField, string, string])[] = [
    ['environment', subject.environment, now.environment],
    ['head', subject.headSha, now.headSha],
    ['digest', subject.digest, now.digest],
    ['live revision', subject.live, now.live],
    ['base', subject.baseSha, now.baseSha],
  ];
  const drifted = fields.find(([, was, is]) => was !== is);
  return drifted === undefined ? undefined : { field: drifted[0], was: drifted[1], is: drifted[2] };
}

/** Enough people, and an owner of every changed path that has owners. */
export function isEnough({ policy, subject, given }: Pick<Approval, 'policy' | 'subject' | 'given'>): boolean {
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

export function isAuthor({ authors }: ApprovalSubject, person: Person): boolean {
  const login = person.login.toLowerCase();
  return authors.some((author) => author.id === person.id || author.login.toLowerCase() === login);
}

export type ApprovalEvent = Extract<RunEvent, { readonly approval: number }>;

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
