import { podName } from '../engine/core/pod-name.ts';
import { memoryForAttempt } from '../engine/core/retry.ts';
import { attemptOf, isActive, plannedStage, type Run, stageState } from '../engine/core/run.ts';
import type { AttemptResult } from '../engine/core/run-commands.ts';
import type { Artifact } from '../engine/core/run-events.ts';
import type { Trigger } from '../engine/core/trigger.ts';
import type { AttemptHost, AttemptWork, SourceAccess } from '../engine/ports/attempt-host.ts';
import type { AttemptRef } from '../engine/ports/pod-runner.ts';
import type { RunLoop } from '../engine/run-loop.ts';

type StopListener = (reason: string) => void;

/** Answers the agents from what the runs' states say. */
export function createAttemptHost(parts: {
  readonly loop: RunLoop;
  readonly source: (run: Run) => Promise<SourceAccess>;
  /** The namespace in which a tenant's stages run: a pod of the same name elsewhere is somebody else's. */
  readonly namespaceOf: (tenant: string) => string;
  /** Why a pod was asked to end, where the cluster said so: its agent knows only that it was asked. */
  readonly disturbanceOf: (podName: string) => string | undefined;
}): AttemptHost {
  const { loop, source, namespaceOf } = parts;
  const wanted = new Map<string, AttemptRef>();
  const stopListeners = new Map<string, Set<StopListener>>();

  loop.onChange(({ run, events }) => {
    for (const { name } of run.plan.stages) {
      const state = stageState(run, name);
      if (isActive(state)) wanted.set(state.podName, { runId: run.runId, stage: name, attempt: state.attempt });
    }
    for (const event of events) {
      if (event.type === 'StageSucceeded' || event.type === 'StageFailed')
        forget(run, event.stage, event.attempt, 'it has ended');
      if (event.type === 'StageCancelled')
        forget(run, event.stage, attemptOf(stageState(run, event.stage)), event.reason);
    }
  });

  function forget({ runId }: Run, stage: string, attempt: number, reason: string): void {
    const key = keyOf({ runId, stage, attempt });
    wanted.delete(podName(runId, stage, attempt));
    for (const stop of stopListeners.get(key) ?? []) stop(reason);
    stopListeners.delete(key);
  }

  function activeRun({ runId, stage, attempt }: AttemptRef): Run | undefined {
    const run = loop.driven(runId);
    const state = run?.stages[stage];
    return run !== undefined && state !== undefined && isActive(state) && state.attempt === attempt ? run : undefined;
  }

  return {
    async workFor({ namespace, podName: name }) {
      const attempt = wanted.get(name);
      const run = attempt === undefined ? undefined : activeRun(attempt);
      if (attempt === undefined || run === undefined || namespaceOf(run.repository.tenant) !== namespace)
        return undefined;
      return workOf(run, attempt, await source(run));
    },
    async start(attempt, asker) {
      const sent = await loop.send(attempt.runId, {
        type: 'StartStage',
        stage: attempt.stage,
        attempt: attempt.attempt,
        asker,
      });
      return sent.ok ? 'go' : 'refused';
    },
    async finish(attempt, result) {
      const told = withDisturbance(result, parts.disturbanceOf(podName(attempt.runId, attempt.stage, attempt.attempt)));
      // A refusal means that nobody waits for the result any more (cancelled, superseded): there is nothing to keep.
      await loop.send(attempt.runId, {
        type: 'RecordResult',
        stage: attempt.stage,
        attempt: attempt.attempt,
        result: told,
      });
    },
    onStop(attempt, stop) {
      const key = keyOf(attempt);
      if (activeRun(attempt) === undefined) {
        stop('the attempt is no longer wanted');
        return { dispose: () => undefined };
      }
      const listeners = stopListeners.get(key) ?? new Set();
      stopListeners.set(key, listeners.add(stop));
      return { dispose: () => listeners.delete(stop) };
    },
  };
}

function withDisturbance(result: AttemptResult, disturbance: string | undefined): AttemptResult {
  return disturbance !== undefined && result.outcome === 'failed' && result.cause.type === 'infrastructure'
    ? { ...result, cause: { type: 'infrastructure', message: disturbance } }
    : result;
}

function workOf(run: Run, attempt: AttemptRef, source: SourceAccess): AttemptWork {
  const stage = plannedStage(run, attempt.stage);
  if (stage === undefined) throw new RangeError(`Run ${run.runId} has no stage "${attempt.stage}"`);
  return {
    ...attempt,
    tenant: run.repository.tenant,
    source,
    commands: stage.commands,
    env: {
      ...runEnvironment(run),
      SLIPWAY_STAGE: attempt.stage,
      SLIPWAY_ATTEMPT: String(attempt.attempt),
      ...stage.env,
    },
    secrets: {},
    timeoutMs: stage.timeoutMs,
    memoryBytes: memoryForAttempt(stage, run.failures[stage.name] ?? []),
    artifactsIn: stage.artifactsIn.flatMap((name) => artifactOf(run, name) ?? []),
    artifactsOut: stage.artifactsOut,
    reports: stage.reports,
  };
}

/** The run's artifact of that name, from whichever stage made it. */
export function artifactOf(run: Run, name: string): Artifact | undefined {
  for (const state of Object.values(run.stages)) {
    const found = state.status === 'succeeded' ? state.artifacts.find((artifact) => artifact.name === name) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What every stage's commands may read about their run. */
function runEnvironment({ runId, repository, trigger }: Run): Record<string, string> {
  return {
    CI: 'true',
    SLIPWAY_RUN: runId,
    SLIPWAY_REPOSITORY: `${repository.owner}/${repository.name}`,
    SLIPWAY_SHA: trigger.headSha,
    SLIPWAY_EVENT: trigger.type,
    ...refEnvironment(trigger),
  };
}

function refEnvironment(trigger: Trigger): Record<string, string> {
  switch (trigger.type) {
    case 'pull_request':
      return {
        SLIPWAY_BRANCH: trigger.headRef,
        SLIPWAY_BASE_BRANCH: trigger.baseRef,
        SLIPWAY_PULL_REQUEST: String(trigger.number),
      };
    case 'merge_group':
      return { SLIPWAY_BRANCH: trigger.headRef, SLIPWAY_BASE_BRANCH: trigger.baseRef };
    case 'tag':
      return { SLIPWAY_TAG: trigger.tag };
    case 'push':
    case 'manual':
    case 'schedule':
      return { SLIPWAY_BRANCH: trigger.branch };
  }
}

function keyOf({ runId, stage, attempt }: AttemptRef): string {
  return `${runId}/${stage}/${attempt}`;
}
