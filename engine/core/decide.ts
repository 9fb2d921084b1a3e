import { approvalPolicyOf, isGranted } from './approval.ts';
import { driftOf } from './approval-subject.ts';
import { decideApproval } from './approve.ts';
import type { PlannedStage } from './pipeline.ts';
import { podName } from './pod-name.ts';
import { afterFailure } from './retry.ts';
import { attemptOf, evolve, isActive, isEnded, namedStage, plannedStage, type Run, stageState } from './run.ts';
import type { ApprovalCommand, CommandContext, RunCommand } from './run-commands.ts';
import type { RunEvent, RunOutcome } from './run-events.ts';

export type RefusalCode = 'exists' | 'no-run' | 'fenced' | 'unknown-stage' | 'not-wanted' | 'ended';

/** Events to append (none: already so), or why not. */
export type Decision =
  | { readonly ok: true; readonly events: readonly RunEvent[] }
  | { readonly ok: false; readonly code: RefusalCode; readonly reason: string };

/** What a command makes of a run. Pure: time, names and epochs come with the command. */
export function decide(command: RunCommand, run: Run | undefined, context: CommandContext): Decision {
  if (command.type === 'CreateRun') {
    return run === undefined ? create(command, context) : refuse('exists', `Run ${run.runId} exists`);
  }
  if (run === undefined) return refuse('no-run', 'There is no such run');
  if (command.type === 'ClaimRun') {
    return command.epoch > run.epoch
      ? accept([{ type: 'RunClaimed', at: context.at, replica: command.replica, epoch: command.epoch }])
      : refuse('fenced', `Run ${run.runId} is claimed with epoch ${run.epoch}`);
  }
  if (context.epoch !== run.epoch) {
    return refuse('fenced', `Run ${run.runId} is driven with epoch ${run.epoch}, not ${context.epoch}`);
  }
  switch (command.type) {
    case 'ScheduleStage':
      return schedule(run, command, context);
    case 'StartStage':
      return start(run, command, context);
    case 'RecordResult':
      return recordResult(run, command, context);
    case 'CancelRun':
      return cancel(run, command, context);
    case 'RetryStages':
      return retry(run, command, context);
    case 'HoldStage':
    case 'ReleaseStage':
      return holdOrRelease(run, command, context);
    case 'ChangeLane':
      return changeLane(run, command, context);
    default:
      return approve(run, command, context);
  }
}

/** Stages that may get a slot now. */
export function readyStages(run: Run, now: Date): readonly PlannedStage[] {
  if (run.outcome !== undefined || run.cancel !== undefined) return [];
  return run.plan.stages.filter((stage) => {
    const state = stageState(run, stage.name);
    if (state.status !== 'waiting' || (state.notBefore !== undefined && state.notBefore > now)) return false;
    if (state.heldBecause !== undefined) return false;
    return needsOf(run, stage) === 'met' && !lacksConsent(run, stage);
  });
}

/** Deploys that only wait for somebody to be asked, or for the answer. */
export function stagesForConsent(run: Run): readonly PlannedStage[] {
  if (run.outcome !== undefined || run.cancel !== undefined) return [];
  return run.plan.stages.filter(
    (stage) =>
      stageState(run, stage.name).status === 'waiting' && needsOf(run, stage) === 'met' && lacksConsent(run, stage),
  );
}

function lacksConsent(run: Run, stage: PlannedStage): boolean {
  return approvalPolicyOf(run.plan, stage) !== undefined && !isGranted(run.approvals[stage.name]);
}

/** When the last of a stage's needs ended, or the run began: from then on it waits for a slot. */
export function readySince(run: Run, stage: PlannedStage): Date {
  const state = stageState(run, stage.name);
  const times = stage.needs.map((need) => {
    const needed = stageState(run, need);
    return 'endedAt' in needed ? needed.endedAt.getTime() : 0;
  });
  const notBefore = state.status === 'waiting' ? (state.notBefore?.getTime() ?? 0) : 0;
  return new Date(Math.max(run.createdAt.getTime(), notBefore, ...times));
}

type Command<T extends RunCommand['type']> = Extract<RunCommand, { type: T }>;

function create(command: Command<'CreateRun'>, { at, epoch }: CommandContext): Decision {
  const { runId, trigger, plan, lane, team, replica } = command;
  const created: RunEvent[] = [
    { type: 'RunCreated', at, runId, repository: trigger.repository, trigger, plan, lane, team },
    { type: 'RunClaimed', at, replica, epoch },
    ...plan.stages.flatMap((stage): RunEvent[] =>
      stage.skipReason === undefined ? [] : [{ type: 'StageSkipped', at, stage: stage.name, reason: stage.skipReason }],
    ),
  ];
  return accept(settled(undefined, created, at));
}

function schedule(run: Run, command: Command<'ScheduleStage'>, { at }: CommandContext): Decision {
  const ready = new Set(readyStages(run, at).map(({ name }) => name));
  const granted = [command, ...(command.together ?? [])];
  const scheduled = granted.flatMap(({ stage, reason }): RunEvent[] => {
    const state = run.stages[stage];
    // Taken out, so that a stage named twice is scheduled once.
    if (!ready.delete(stage) || state?.status !== 'waiting') return [];
    const { attempt } = state;
    return [{ type: 'StageScheduled', at, stage, attempt, podName: podName(run.runId, stage, attempt), reason }];
  });
  return scheduled.length > 0
    ? accept(scheduled)
    : refuse('not-wanted', `Stage "${command.stage}" does not wait for a slot`);
}

function start(run: Run, { stage, attempt, now, asker }: Command<'StartStage'>, { at }: CommandContext): Decision {
  const state = namedStage(run, stage);
  if (state === undefined) return refuse('unknown-stage', `Run ${run.runId} has no stage "${stage}"`);
  // The answer was lost with whoever was about to give it.
  const isAskedAgain = state.status === 'running' && state.attempt === attempt && state.asker === asker;
  if (isAskedAgain && asker !== undefined) return accept([]);
  if (state.status !== 'scheduled' || state.attempt !== attempt)
    return refuse('not-wanted', `Attempt ${attempt} of "${stage}" does not wait to start: it is ${state.status}`);
  const approval = run.approvals[stage];
  if (approval !== undefined && approvalPolicyOf(run.plan, plannedStage(run, stage)) !== undefined) {
    if (now === undefined) return refuse('not-wanted', `"${stage}" starts only by what was approved`);
    const drift = driftOf(approval.subject, now);
    if (drift !== undefined)
      return accept([{ type: 'ApprovalVoided', at, stage, approval: approval.approval, ...drift }]);
  }
  return accept([{ type: 'StageStarted', at, stage, attempt, ...(asker === undefined ? {} : { asker }) }]);
}

function approve(run: Run, command: ApprovalCommand, { at }: CommandContext): Decision {
  if (run.outcome !== undefined) return refuse('ended', `Run ${run.runId} ended already: ${run.outcome}`);
  const { stage: name } = command;
  const stage = plannedStage(run, name);
  const state = run.stages[name];
  if (stage === undefined || state === undefined)
    return refuse('unknown-stage', `Run ${run.runId} has no stage "${name}"`);
  const approval = run.approvals[name];
  const policy = approvalPolicyOf(run.plan, stage);
  const decided = decideApproval(
    command,
    approval,
    {
      wants: approval?.status !== 'open' && stagesForConsent(run).includes(stage),
      isUncommitted: state.status === 'waiting' || state.status === 'scheduled',
      ...(policy?.timeoutMs === undefined ? {} : { timeoutMs: policy.timeoutMs }),
    },
    at,
  );
  if (!decided.ok) return refuse('not-wanted', decided.reason);
  return accept(decided.events.length === 0 ? [] : settled(run, decided.events, at));
}

function holdOrRelease(run: Run, command: Command<'HoldStage' | 'ReleaseStage'>, { at }: CommandContext): Decision {
  const state = namedStage(run, command.stage);
  if (state === undefined) return refuse('unknown-stage', `Run ${run.runId} has no stage "${command.stage}"`);
  if (command.type === 'ReleaseStage')
    return accept(
      state.status === 'waiting' && state.heldBecause !== undefined
        ? [{ type: 'StageReleased', at, stage: command.stage }]
        : [],
    );
  if (state.status !== 'waiting' && state.status !== 'scheduled')
    return refuse('not-wanted', `Stage "${command.stage}" is ${state.status}: it cannot be held any more`);
  const isSo = state.status === 'waiting' && state.heldBecause === command.reason;
  return accept(isSo ? [] : [{ type: 'StageHeld', at, stage: command.stage, reason: command.reason }]);
}

function changeLane(run: Run, { lane, by, reason }: Command<'ChangeLane'>, { at }: CommandContext): Decision {
  if (run.outcome !== undefined) return refuse('ended', `Run ${run.runId} ended already: ${run.outcome}`);
  return accept(run.lane === lane ? [] : [{ type: 'LaneChanged', at, lane, by, reason }]);
}

function recordResult(run: Run, command: Command<'RecordResult'>, { at }: CommandContext): Decision {
  const { stage: name, attempt, result } = command;
  const stage = plannedStage(run, name);
  const state = run.stages[name];
  if (stage === undefined || state === undefined)
    return refuse('unknown-stage', `Run ${run.runId} has no stage "${name}"`);
  if (!isActive(state) || state.attempt !== attempt) {
    // A result told again after a lost acknowledgement is no news; one of a stopped attempt comes too late.
    return isEnded(state) && attemptOf(state) === attempt && state.status !== 'cancelled'
      ? accept([])
      : refuse('not-wanted', `Attempt ${attempt} of "${name}" is not under way`);
  }
  const facts = {
    at,
    stage: name,
    attempt,
    durationMs: result.durationMs,
    log: result.log,
    ...(result.tests === undefined ? {} : { tests: result.tests }),
  };
  if (result.outcome === 'succeeded') {
    const { artifacts, annotations, deployed } = result;
    const succeeded: RunEvent = {
      type: 'StageSucceeded',
      ...facts,
      artifacts,
      annotations,
      ...(deployed === undefined ? {} : { deployed }),
    };
    return accept(settled(run, [succeeded], at));
  }
  const { cause, evidence, rolledBackTo } = result;
  const failed: RunEvent = {
    type: 'StageFailed',
    ...facts,
    cause,
    evidence,
    ...(rolledBackTo === undefined ? {} : { rolledBackTo }),
  };
  const next = afterFailure(stage, run.failures[name] ?? [], cause);
  if (!next.again) return accept(settled(run, [failed], at));
  const notBefore = new Date(at.getTime() + next.delayMs);
  return accept([
    failed,
    { type: 'StageRetryPlanned', at, stage: name, attempt: attempt + 1, notBefore, reason: next.reason },
  ]);
}

function cancel(run: Run, { by, reason }: Command<'CancelRun'>, { at }: CommandContext): Decision {
  if (run.outcome !== undefined) return refuse('ended', `Run ${run.runId} ended already: ${run.outcome}`);
  const open = run.plan.stages.filter((stage) => !isEnded(stageState(run, stage.name)));
  return accept([
    { type: 'RunCancelRequested', at, by, reason },
    ...open.map((stage): RunEvent => ({ type: 'StageCancelled', at, stage: stage.name, reason })),
    { type: 'RunFinished', at, outcome: 'CANCELLED' },
  ]);
}

function retry(run: Run, command: Command<'RetryStages'>, { at }: CommandContext): Decision {
  const { by, stages: wanted } = command;
  const unknown = wanted === 'failed' ? undefined : wanted.find((name) => namedStage(run, name) === undefined);
  if (unknown !== undefined) return refuse('unknown-stage', `Run ${run.runId} has no stage "${unknown}"`);
  const asked = run.plan.stages.filter((stage) => {
    const { status } = stageState(run, stage.name);
    return wanted === 'failed' ? status === 'failed' || status === 'cancelled' : wanted.includes(stage.name);
  });
  const busy = asked.find((stage) => !isEnded(stageState(run, stage.name)));
  if (busy !== undefined) return refuse('not-wanted', `Stage "${busy.name}" has not ended yet`);
  const barred = asked.find((stage) => stage.skipReason !== undefined);
  if (barred !== undefined) return refuse('not-wanted', `Stage "${barred.name}" takes no part: ${barred.skipReason}`);
  if (asked.length === 0) return refuse('not-wanted', 'No stage failed or was cancelled');

  // What hangs on a reopened stage and has no success of its own gets another chance; a success stays one.
  const reopened = new Set(asked.map((stage) => stage.name));
  for (const stage of run.plan.stages) {
    const { status } = stageState(run, stage.name);
    const hangsOn = stage.needs.some((need) => reopened.has(need));
    if (hangsOn && stage.skipReason === undefined && status !== 'succeeded' && isEnded(stageState(run, stage.name))) {
      reopened.add(stage.name);
    }
  }
  return accept(settled(run, [{ type: 'RunRetried', at, by, stages: [...reopened] }], at));
}

/** The events, followed by what they bring about by themselves: stages that can no longer run, the run's end. */
function settled(before: Run | undefined, events: readonly RunEvent[], at: Date): readonly RunEvent[] {
  let run = before;
  for (const event of events) run = evolve(run, event);
  if (run === undefined) return events;
  const further: RunEvent[] = [];
  // Stages stand after their needs, so one pass reaches everything.
  for (const stage of run.plan.stages) {
    if (stageState(run, stage.name).status !== 'waiting') continue;
    const needs = needsOf(run, stage);
    if (needs === 'met' || needs === 'open') continue;
    const skipped: RunEvent = { type: 'StageSkipped', at, stage: stage.name, reason: needs.reason };
    further.push(skipped);
    run = evolve(run, skipped);
  }
  const outcome = outcomeOf(run);
  if (outcome !== undefined && run.outcome === undefined) further.push({ type: 'RunFinished', at, outcome });
  return [...events, ...further];
}

function outcomeOf(run: Run): RunOutcome | undefined {
  const states = run.plan.stages.map((stage) => stageState(run, stage.name));
  if (!states.every(isEnded)) return undefined;
  if (states.some((state) => state.status === 'failed' && state.rolledBackTo !== undefined)) return 'ROLLED_BACK';
  if (states.some((state) => state.status === 'failed')) return 'FAILED';
  return states.some((state) => state.status === 'cancelled') ? 'CANCELLED' : 'SUCCEEDED';
}

/** A stage that the plan left out counts as met; one skipped because of a failure passes the failure on. */
function needsOf(run: Run, stage: PlannedStage): 'met' | 'open' | { readonly reason: string } {
  const after = stage.when.after ?? 'success';
  const needs = stage.needs.map((name) => ({ name, state: stageState(run, name), planned: plannedStage(run, name) }));
  if (!needs.every(({ state }) => isEnded(state))) return 'open';
  const bad = needs.find(
    ({ state, planned }) =>
      state.status === 'failed' ||
      state.status === 'cancelled' ||
      (state.status === 'skipped' && planned?.skipReason === undefined),
  );
  if (after === 'always') return 'met';
  if (after === 'failure') return bad === undefined ? { reason: 'nothing before it failed' } : 'met';
  if (bad === undefined) return 'met';
  return { reason: bad.state.status === 'skipped' ? bad.state.reason : `"${bad.name}" ${bad.state.status}` };
}

function accept(events: readonly RunEvent[]): Decision {
  return { ok: true, events };
}

function refuse(code: RefusalCode, reason: string): Decision {
  return { ok: false, code, reason };
}
