import { createHash } from 'node:crypto';
import type { Cluster } from '../../deploy/ports/cluster.ts';
import { DeployError } from '../../deploy/ports/errors.ts';
import type { Revisions } from '../../deploy/revisions.ts';
import { endMessage, isOver, type Rollout } from '../../deploy/rollout.ts';
import { RolloutDriver } from '../../deploy/rollout-driver.ts';
import type { RolloutEvent } from '../../deploy/rollout-events.ts';
import type { ApprovalSubject } from '../../engine/core/approval-subject.ts';
import type { DeployTarget, PlannedStage } from '../../engine/core/pipeline.ts';
import { isActive, type Run, stageState } from '../../engine/core/run.ts';
import type { AttemptResult } from '../../engine/core/run-commands.ts';
import type { Person } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { EventStore } from '../../engine/ports/event-store.ts';
import type { AttemptRef } from '../../engine/ports/pod-runner.ts';
import type { RunChange, RunLoop } from '../../engine/run-loop.ts';
import { digestOf } from '../steering/approvals.ts';

const askAgainMs = 2_000;
const noLog = { lines: 0, bytes: 0, sha256: '' };

/** Whether a deploy may start: why it is held; or what it is about to do, where people had to consent to that. */
export type MayStart = (
  run: Run,
  stage: PlannedStage,
) => Promise<{ readonly heldBecause: string } | { readonly now?: ApprovalSubject }>;

/** Drives the deploy stages of runs, and rollbacks that people ask for. Killed anywhere, it goes on from what was recorded. */
export class RollOut {
  readonly #loop: RunLoop;
  readonly #driver: RolloutDriver;
  readonly #revisions: Revisions;
  readonly #clock: Clock;
  readonly #mayStart: MayStart;
  readonly #onError: (error: unknown) => void;
  readonly #driven = new Set<string>();
  #isStopped = false;

  constructor(parts: {
    readonly loop: RunLoop;
    readonly cluster: Cluster;
    readonly revisions: Revisions;
    readonly events: EventStore<RolloutEvent>;
    readonly clock: Clock;
    readonly mayStart: MayStart;
    readonly onError: (error: unknown) => void;
  }) {
    this.#loop = parts.loop;
    this.#driver = new RolloutDriver(parts);
    this.#revisions = parts.revisions;
    this.#clock = parts.clock;
    this.#mayStart = parts.mayStart;
    this.#onError = parts.onError;
    parts.loop.onChange((change) => this.#changed(change));
  }

  stop(): void {
    this.#isStopped = true;
    this.#driver.stop();
  }

  /** @throws DeployError when there is no such environment, or no such revision was live in it */
  async rollBack(request: {
    readonly environment: string;
    readonly repository?: string;
    readonly revision?: number;
    readonly by: Person;
  }): Promise<{ readonly message: string }> {
    const what = `Rolling ${request.environment} back`;
    const found = await this.#revisions.find(request.environment, request.repository);
    const [environment] = found;
    if (environment === undefined)
      throw new DeployError({
        code: 'not-found',
        what,
        why: 'Nothing was ever deployed there',
        fix: 'Check the name of the environment',
      });
    if (found.length > 1) {
      const names = found.map(({ repository }) => repository).join(', ');
      throw new DeployError({
        code: 'invalid',
        what,
        why: `Several repositories have it: ${names}`,
        fix: 'Name one with --repository',
      });
    }
    const live = await this.#revisions.live(environment);
    const to = await this.#revisions.rollbackTarget(environment, request.revision);
    const now = this.#clock.now();
    const rollout = await this.#driver.drive(
      {
        rolloutId: `rollback-${createHash('sha256').update(`${environment.environment}/${to.number}/${now.getTime()}`).digest('hex').slice(0, 16)}`,
        environment,
        target: to.target,
        digest: to.digest,
        by: request.by.login,
        orderAt: now,
        rollbackOf: to.number,
      },
      () => undefined,
    );
    if (rollout.state.status !== 'succeeded') {
      throw new DeployError({
        code: 'unavailable',
        what,
        why: endMessage(rollout),
        fix: "See the service's own log, and choose another revision",
      });
    }
    const from = live === undefined ? '' : ` from revision ${live.number}`;
    return {
      message: `${environment.environment} of ${environment.repository} went${from} back to revision ${to.number}, as revision ${rollout.revision}`,
    };
  }

  #takeUp(runId: string): void {
    const run = this.#loop.driven(runId);
    if (run !== undefined && !this.#isStopped) this.#changed({ run });
  }

  #changed({ run }: Pick<RunChange, 'run'>): void {
    for (const stage of run.plan.stages) {
      const state = stageState(run, stage.name);
      if (stage.deploy === undefined || !isActive(state)) continue;
      const ref = { runId: run.runId, stage: stage.name, attempt: state.attempt };
      const rolloutId = rolloutIdOf(ref);
      if (this.#driven.has(rolloutId)) continue;
      this.#driven.add(rolloutId);
      this.#runStage(run, ref, rolloutId, stage, stage.deploy)
        .catch((error: unknown) => {
          this.#onError(error);
          // The store was away: nothing else would take this stage up again.
          setTimeout(() => this.#takeUp(run.runId), askAgainMs).unref();
        })
        .finally(() => this.#driven.delete(rolloutId));
    }
  }

  async #runStage(
    run: Run,
    ref: AttemptRef,
    rolloutId: string,
    stage: PlannedStage,
    target: DeployTarget,
  ): Promise<void> {
    if (stageState(run, ref.stage).status === 'scheduled' && !(await this.#begin(run, ref, stage))) return;
    const begin = performance.now();
    const record = (result: AttemptResult) =>
      this.#loop.send(ref.runId, { type: 'RecordResult', stage: ref.stage, attempt: ref.attempt, result });
    const digest = digestOf(run, stage);
    const spent = () => Math.round(performance.now() - begin);
    if (digest === undefined) {
      await record(
        failure({ type: 'configuration', message: 'The artifact to deploy was not made by this run' }, spent()),
      );
      return;
    }
    const { repository } = run;
    const environment = {
      tenant: repository.tenant,
      repositoryId: repository.id,
      repository: `${repository.owner}/${repository.name}`,
      environment: target.environment,
    };
    const wish = {
      rolloutId,
      environment,
      target,
      digest,
      by: run.trigger.actor.login,
      orderAt: run.createdAt,
      headSha: run.trigger.headSha,
      runId: run.runId,
      ...(target.known?.wasLive === true ? { rollbackOf: target.known.revision } : {}),
    };
    const rollout = await this.#driver.drive(wish, () => this.#cancelledBecause(ref));
    if (this.#isStopped && !isOver(rollout)) return;
    await record(resultOf(rollout, environment.environment, spent()));
  }

  #cancelledBecause(ref: AttemptRef): string | undefined {
    if (this.#isStopped) return undefined;
    const run = this.#loop.driven(ref.runId);
    const state = run?.stages[ref.stage];
    if (state !== undefined && isActive(state) && state.attempt === ref.attempt) return undefined;
    return run?.cancel?.reason ?? 'the run has ended';
  }

  /** Starts a stage when nothing stops it and what was consented to is what it does. @returns whether it runs */
  async #begin(run: Run, ref: AttemptRef, stage: PlannedStage): Promise<boolean> {
    while (!this.#isStopped) {
      try {
        const may = await this.#mayStart(run, stage);
        const address = { stage: ref.stage, attempt: ref.attempt };
        if ('heldBecause' in may) {
          await this.#loop.send(ref.runId, { type: 'HoldStage', stage: ref.stage, reason: may.heldBecause });
          return false;
        }
        const sent = await this.#loop.send(ref.runId, { type: 'StartStage', ...address, ...may });
        return sent.ok && stageState(sent.run, ref.stage).status === 'running';
      } catch (error) {
        // What cannot be asked is not allowed: it waits, and asks again.
        this.#onError(error);
        await new Promise((resolve) => setTimeout(resolve, askAgainMs));
        const state = this.#loop.driven(ref.runId)?.stages[ref.stage];
        if (state?.status !== 'scheduled' || state.attempt !== ref.attempt) return false;
      }
    }
    return false;
  }
}

function resultOf(rollout: Rollout, environment: string, durationMs: number): AttemptResult {
  const { state, revision, digest } = rollout;
  if (state.status === 'succeeded') {
    const deployed = { environment, revision, digest, ...(state.url === undefined ? {} : { url: state.url }) };
    return { outcome: 'succeeded', durationMs, artifacts: [], annotations: [], log: noLog, deployed };
  }
  const isNotReady = state.status === 'rolled-back' || state.status === 'held';
  const type = isNotReady ? 'not-ready' : 'configuration';
  const to = state.status === 'rolled-back' ? state.to : undefined;
  return {
    ...failure({ type, message: endMessage(rollout) }, durationMs),
    evidence: { excerpt: rollout.excerpt ?? [], annotations: [] },
    ...(to === undefined ? {} : { rolledBackTo: { environment, revision: to.revision, digest: to.digest } }),
  };
}

function failure(
  cause: Extract<AttemptResult, { outcome: 'failed' }>['cause'],
  durationMs: number,
): Extract<AttemptResult, { outcome: 'failed' }> {
  return { outcome: 'failed', cause, durationMs, log: noLog, evidence: { excerpt: [], annotations: [] } };
}

function rolloutIdOf({ runId, stage, attempt }: AttemptRef): string {
  return `${runId}-${createHash('sha256').update(stage).digest('hex').slice(0, 8)}-${attempt}`;
}
