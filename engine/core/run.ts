import { type Approval, approvalPolicyOf, evolveApproval } from './approval.ts';
import type { ApprovalEvent } from './approval-events.ts';
import type { Plan, PlannedStage, StageKind } from './pipeline.ts';
import type {
  Annotation,
  Artifact,
  FailureCause,
  FailureEvidence,
  Lane,
  LogSummary,
  RevisionRef,
  RunEvent,
  RunOutcome,
  TestSummary,
} from './run-events.ts';
import type { RepositoryRef, Trigger } from './trigger.ts';

/** Where a stage of a run stands. `attempt` counts from 1. */
export type StageState =
  /** Waits for its needs, for a slot, or for `notBefore`; `attempt` is the one to come. */
  | {
      readonly status: 'waiting';
      readonly attempt: number;
      readonly notBefore?: Date;
      readonly retryReason?: string;
      /** Its deploy may not start: somebody holds it. */
      readonly heldBecause?: string;
    }
  /** Has a slot; its pod is wanted. */
  | {
      readonly status: 'scheduled';
      readonly attempt: number;
      readonly podName: string;
      readonly scheduledAt: Date;
      readonly reason: string;
    }
  | {
      readonly status: 'running';
      readonly attempt: number;
      readonly podName: string;
      readonly scheduledAt: Date;
      readonly startedAt: Date;
      readonly asker?: string;
    }
  | {
      readonly status: 'succeeded';
      readonly attempt: number;
      readonly endedAt: Date;
      readonly durationMs: number;
      readonly artifacts: readonly Artifact[];
      readonly annotations: readonly Annotation[];
      readonly log: LogSummary;
      readonly tests?: TestSummary;
      readonly deployed?: RevisionRef & { readonly url?: string };
    }
  | {
      readonly status: 'failed';
      readonly attempt: number;
      readonly endedAt: Date;
      readonly durationMs: number;
      readonly cause: FailureCause;
      readonly evidence: FailureEvidence;
      readonly log: LogSummary;
      readonly tests?: TestSummary;
      readonly rolledBackTo?: RevisionRef;
    }
  | { readonly status: 'skipped'; readonly reason: string }
  | { readonly status: 'cancelled'; readonly reason: string; readonly attempt: number; readonly endedAt: Date };

/**
 * The states people see. Between PENDING and the end they tell the furthest kind of stage that has begun; WAITING, that
 * nothing goes on until somebody consents.
 */
export type RunStatus = 'PENDING' | 'BUILDING' | 'TESTING' | 'WAITING' | 'DEPLOYING' | 'VERIFYING' | RunOutcome;

/** One execution of a plan, as its events tell it. */
export interface Run {
  readonly runId: string;
  readonly repository: RepositoryRef;
  readonly trigger: Trigger;
  readonly plan: Plan;
  readonly lane: Lane;
  readonly team: string;
  readonly createdAt: Date;
  readonly replica: string;
  readonly epoch: number;
  readonly stages: Readonly<Record<string, StageState>>;
  /** What each stage's failed attempts died of, oldest first, since a person last asked for it. */
  readonly failures: Readonly<Record<string, readonly FailureCause['type'][]>>;
  /** The newest request for consent of each stage that had one. */
  readonly approvals: Readonly<Record<string, Approval>>;
  readonly cancel?: { readonly reason: string };
  readonly outcome?: RunOutcome;
  readonly endedAt?: Date;
}

const statusOfKind: Readonly<Record<StageKind, RunStatus>> = {
  build: 'BUILDING',
  test: 'TESTING',
  deploy: 'DEPLOYING',
  verify: 'VERIFYING',
};

const kindOrder: readonly StageKind[] = ['build', 'test', 'deploy', 'verify'];

/** The furthest kind that has begun: a run that tests while something still builds is TESTING. */
export function runStatus(run: Run): RunStatus {
  if (run.outcome !== undefined) return run.outcome;
  const begun = run.plan.stages.filter((stage) => {
    const status = run.stages[stage.name]?.status;
    return status === 'scheduled' || status === 'running';
  });
  const furthest = kindOrder.findLast((kind) => begun.some((stage) => stage.kind === kind));
  if (furthest !== undefined) return statusOfKind[furthest];
  if (Object.values(run.approvals).some(({ status }) => status === 'open')) return 'WAITING';
  const ended = kindOrder.findLast((kind) =>
    run.plan.stages.some(
      (stage) =>
        stage.kind === kind && isEnded(stageState(run, stage.name)) && stageState(run, stage.name).status !== 'skipped',
    ),
  );
  return ended === undefined ? 'PENDING' : statusOfKind[ended];
}

/** The state of a stage that somebody named: what every object has (`constructor`) is none of the run's. */
export function namedStage(run: Run, name: string): StageState | undefined {
  return Object.hasOwn(run.stages, name) ? run.stages[name] : undefined;
}

/** @throws RangeError when the run's plan has no such stage; `decide` checks names before */
export function stageState(run: Run, stage: string): StageState {
  const state = namedStage(run, stage);
  if (state === undefined) throw new RangeError(`Run ${run.runId} has no stage "${stage}"`);
  return state;
}

/** The stage as the run's plan has it; undefined for a name that is not in it. */
export function plannedStage(run: Run, stage: string): PlannedStage | undefined {
  return run.plan.stages.find((planned) => planned.name === stage);
}

/** This attempt is over. A further one may still be planned. */
export function isEnded(state: StageState): boolean {
  return state.status !== 'waiting' && state.status !== 'scheduled' && state.status !== 'running';
}

/** Has a slot: a pod of it exists or is wanted. */
export function isActive(state: StageState): state is Extract<StageState, { status: 'scheduled' | 'running' }> {
  return state.status === 'scheduled' || state.status === 'running';
}

/** Folds one event into the run; `undefined` is the run before its first event. */
export function evolve(run: Run | undefined, event: RunEvent): Run {
  if (event.type === 'RunCreated') {
    return {
      runId: event.runId,
      repository: event.repository,
      trigger: event.trigger,
      plan: event.plan,
      lane: event.lane,
      team: event.team,
      createdAt: event.at,
      replica: '',
      epoch: 0,
      failures: {},
      approvals: {},
      stages: Object.fromEntries(event.plan.stages.map((stage) => [stage.name, { status: 'waiting', attempt: 1 }])),
    };
  }
  if (run === undefined) throw new RangeError(`${event.type} stands before RunCreated`);
  switch (event.type) {
    case 'RunClaimed':
      return { ...run, replica: event.replica, epoch: event.epoch };
    case 'StageSkipped':
      return withStage(run, event.stage, { status: 'skipped', reason: event.reason });
    case 'StageScheduled':
      return withStage(run, event.stage, {
        status: 'scheduled',
        attempt: event.attempt,
        podName: event.podName,
        scheduledAt: event.at,
        reason: event.reason,
      });
    case 'StageStarted': {
      const before = stageState(run, event.stage);
      return isActive(before)
        ? withStage(run, event.stage, {
            status: 'running',
            attempt: event.attempt,
            podName: before.podName,
            scheduledAt: before.scheduledAt,
            startedAt: event.at,
            ...(event.asker === undefined ? {} : { asker: event.asker }),
          })
        : run;
    }
    case 'StageSucceeded': {
      const { type: _, stage, at, ...result } = event;
      return withStage(run, stage, { status: 'succeeded', endedAt: at, ...result });
    }
    case 'StageFailed': {
      const { type: _, stage, at, ...result } = event;
      const failed = withStage(run, stage, { status: 'failed', endedAt: at, ...result });
      return { ...failed, failures: { ...run.failures, [stage]: [...(run.failures[stage] ?? []), result.cause.type] } };
    }
    case 'StageRetryPlanned':
      return withStage(run, event.stage, {
        status: 'waiting',
        attempt: event.attempt,
        notBefore: event.notBefore,
        retryReason: event.reason,
      });
    case 'StageCancelled':
      return withStage(run, event.stage, {
        status: 'cancelled',
        reason: event.reason,
        attempt: attemptOf(stageState(run, event.stage)),
        endedAt: event.at,
      });
    case 'RunCancelRequested':
      return { ...run, cancel: { reason: event.reason } };
    case 'RunRetried': {
      const { cancel: _cancel, outcome: _outcome, endedAt: _endedAt, ...open } = run;
      const reopened = event.stages.map((name): [string, StageState] => [
        name,
        { status: 'waiting', attempt: attemptOf(stageState(run, name)) + 1 },
      ]);
      return {
        ...open,
        stages: { ...run.stages, ...Object.fromEntries(reopened) },
        failures: { ...run.failures, ...Object.fromEntries(event.stages.map((name) => [name, []])) },
        approvals: spent(run.approvals, event.stages),
      };
    }
    case 'ApprovalRequested':
    case 'ApprovalShown':
    case 'ApprovalGiven':
    case 'ApprovalRejected':
    case 'ApprovalExpired':
      return withApproval(run, event);
    case 'ApprovalVoided': {
      const state = stageState(run, event.stage);
      const voided = withApproval(run, event);
      // A slot that it got by that consent is given back: nothing was started yet.
      return state.status === 'scheduled'
        ? withStage(voided, event.stage, { status: 'waiting', attempt: state.attempt })
        : voided;
    }
    case 'StageHeld': {
      const state = stageState(run, event.stage);
      return state.status === 'waiting' || state.status === 'scheduled'
        ? withStage(run, event.stage, { status: 'waiting', attempt: state.attempt, heldBecause: event.reason })
        : run;
    }
    case 'StageReleased': {
      const state = stageState(run, event.stage);
      if (state.status !== 'waiting') return run;
      const { heldBecause: _, ...released } = state;
      return withStage(run, event.stage, released);
    }
    case 'LaneChanged':
      return { ...run, lane: event.lane };
    case 'RunFinished':
      return { ...run, outcome: event.outcome, endedAt: event.at };
  }
}

/** The latest attempt's number; 0 for a stage that never had one. */
export function attemptOf(state: StageState): number {
  return state.status === 'skipped' ? 0 : state.status === 'waiting' ? state.attempt - 1 : state.attempt;
}

function withApproval(run: Run, event: ApprovalEvent): Run {
  const approval = evolveApproval(
    run.approvals[event.stage],
    event,
    approvalPolicyOf(run.plan, plannedStage(run, event.stage)),
  );
  return approval === undefined ? run : { ...run, approvals: { ...run.approvals, [event.stage]: approval } };
}

/** Consent is for one deploy: what is asked for once more asks once more. */
function spent(approvals: Run['approvals'], stages: readonly string[]): Run['approvals'] {
  return Object.fromEntries(
    Object.entries(approvals).map(([stage, approval]) => [
      stage,
      stages.includes(stage) ? { ...approval, status: 'spent' as const } : approval,
    ]),
  );
}

function withStage(run: Run, stage: string, state: StageState): Run {
  return { ...run, stages: { ...run.stages, [stage]: state } };
}
