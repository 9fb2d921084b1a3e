import { createHash } from 'node:crypto';
import { decide, type RolloutFacts } from '../../deploy/decide.ts';
import type { Cluster, ServiceObservation } from '../../deploy/ports/cluster.ts';
import { DeployError } from '../../deploy/ports/errors.ts';
import type { EnvironmentRef, Revision } from '../../deploy/revision.ts';
import type { Revisions } from '../../deploy/revisions.ts';
import { evolve, isOver, type Rollout } from '../../deploy/rollout.ts';
import type { RolloutEvent, RolloutOrigin } from '../../deploy/rollout-events.ts';
import type { ApprovalSubject } from '../../engine/core/approval-subject.ts';
import type { DeployTarget, PlannedStage } from '../../engine/core/pipeline.ts';
import { isActive, type Run, stageState } from '../../engine/core/run.ts';
import type { AttemptResult } from '../../engine/core/run-commands.ts';
import type { Person } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { EventStore } from '../../engine/ports/event-store.ts';
import type { AttemptRef } from '../../engine/ports/pod-runner.ts';
import type { RunChange, RunLoop } from '../../engine/run-loop.ts';
import { digestOf } from '../approvals.ts';

const lookMs = 250;
const askAgainMs = 2_000;
const smokeRequestMs = 3_000;
const noLog = { lines: 0, bytes: 0, sha256: '' };

/** What a rollout is to bring about. */
interface Wish {
  readonly rolloutId: string;
  readonly environment: EnvironmentRef;
  readonly target: DeployTarget;
  readonly digest: string;
  readonly by: string;
  readonly orderAt: Date;
  readonly headSha?: string;
  readonly runId?: string;
  readonly rollbackOf?: number;
}

function originOf({ environment, orderAt }: Wish, { by, at, headSha, runId, rollbackOf }: Revision): RolloutOrigin {
  return {
    environment,
    orderAt,
    by,
    at,
    ...(headSha === undefined ? {} : { headSha }),
    ...(runId === undefined ? {} : { runId }),
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
  };
}

/** Whether a deploy may start: why it is held; or what it is about to do, where people had to consent to that. */
export type MayStart = (
  run: Run,
  stage: PlannedStage,
) => Promise<{ readonly heldBecause: string } | { readonly now?: ApprovalSubject }>;

/** Drives the deploy stages of runs, and rollbacks that people ask for. Killed anywhere, it goes on from what was recorded. */
export class RollOut {
  readonly #loop: RunLoop;
  readonly #cluster: Cluster;
  readonly #revisions: Revisions;
  readonly #events: EventStore<RolloutEvent>;
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
    this.#cluster = parts.cluster;
    this.#revisions = parts.revisions;
    this.#events = parts.events;
    this.#clock = parts.clock;
    this.#mayStart = parts.mayStart;
    this.#onError = parts.onError;
    parts.loop.onChange((change) => this.#changed(change));
  }

  stop(): void {
    this.#isStopped = true;
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
    const rollout = await this.#drive(
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
    const begin = this.#clock.now();
    const record = (result: AttemptResult) =>
      this.#loop.send(ref.runId, { type: 'RecordResult', stage: ref.stage, attempt: ref.attempt, result });
    const digest = digestOf(run, stage);
    const spent = () => this.#clock.now().getTime() - begin.getTime();
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
    const rollout = await this.#drive(wish, () => this.#cancelledBecause(ref));
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

  /** Moves the environment, step by step, each one recorded before the next. */
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

  async #drive(wish: Wish, cancelledBecause: () => string | undefined): Promise<Rollout> {
    const { environment, rolloutId, target } = wish;
    const holder = await this.#revisions.claim(environment, rolloutId, wish.orderAt);
    const revision = await this.#revisions.create(environment, {
      digest: wish.digest,
      target,
      by: wish.by,
      at: this.#clock.now(),
      rolloutId,
      ...(wish.headSha === undefined ? {} : { headSha: wish.headSha }),
      ...(wish.runId === undefined ? {} : { runId: wish.runId }),
      ...(wish.rollbackOf === undefined ? {} : { rollbackOf: wish.rollbackOf }),
    });
    let { rollout, version } = await this.#load(rolloutId);
    const append = async (event: RolloutEvent) => {
      const next = version + 1;
      const commit = {
        stream: rolloutId,
        version: next,
        commandId: `${rolloutId}/${next}/${event.type}`,
        events: [event],
      };
      if ((await this.#events.append(commit)) === 'conflict') {
        ({ rollout, version } = await this.#load(rolloutId));
        return;
      }
      rollout = evolve(rollout, event);
      version = next;
    };
    if (rollout === undefined) {
      const previous = await this.#revisions.live(environment);
      await append({
        type: 'RolloutStarted',
        at: this.#clock.now(),
        rolloutId,
        revision: revision.number,
        digest: revision.digest,
        target,
        ...(previous === undefined ? {} : { previous: { revision: previous.number, digest: previous.digest } }),
        origin: originOf(wish, revision),
      });
      if (holder !== rolloutId) await append({ type: 'RolloutSuperseded', at: this.#clock.now(), by: holder });
    }
    while (rollout !== undefined && !isOver(rollout) && !this.#isStopped) {
      try {
        const event = await this.#step(environment, revision, rollout, cancelledBecause);
        if (event !== undefined) await append(event);
        else await new Promise((resolve) => setTimeout(resolve, lookMs));
      } catch (error) {
        // The cluster or the store failed this time; the rollout's own deadline ends it if they keep failing.
        this.#onError(error);
        await new Promise((resolve) => setTimeout(resolve, lookMs * 4));
      }
    }
    if (rollout === undefined) throw new RangeError(`Rollout ${rolloutId} has no events`);
    if (rollout.state.status === 'succeeded') await this.#revisions.makeLive(environment, rollout.revision);
    else if (isOver(rollout)) await this.#revisions.markFailed(environment, rollout.revision);
    return rollout;
  }

  async #step(
    environment: EnvironmentRef,
    revision: Revision,
    rollout: Rollout,
    cancelledBecause: () => string | undefined,
  ): Promise<RolloutEvent | undefined> {
    const { service } = rollout.target;
    const holder = await this.#revisions.holder(environment);
    const supersededBy = holder === rollout.rolloutId ? undefined : holder;
    let observation: ServiceObservation = await this.#cluster.observe(environment, service).catch((error: unknown) => {
      this.#onError(error);
      return { isReady: false, message: error instanceof DeployError ? error.why : 'The cluster does not answer' };
    });
    // The newer rollout has the word now: nothing is asked of the cluster any more.
    if (supersededBy === undefined) {
      if (rollout.state.status === 'progressing' && observation.revision !== revision.number)
        await this.#cluster.apply(environment, revision);
      if (rollout.state.status === 'rolling-back') observation = await this.#goBack(environment, rollout, observation);
    }
    const smoke =
      rollout.state.status === 'smoking' && observation.url !== undefined
        ? await request(observation.url, rollout.target)
        : undefined;
    const because = cancelledBecause();
    const facts: RolloutFacts = {
      now: this.#clock.now(),
      observation,
      ...(smoke === undefined ? {} : { smoke }),
      ...(supersededBy === undefined ? {} : { supersededBy }),
      ...(because === undefined ? {} : { cancelledBecause: because }),
    };
    return decide(rollout, facts);
  }

  async #goBack(
    environment: EnvironmentRef,
    rollout: Rollout,
    observation: RolloutFacts['observation'],
  ): Promise<RolloutFacts['observation']> {
    const { service } = rollout.target;
    if (rollout.target.onNotReady === 'hold') {
      await this.#cluster.pause(environment, service);
      return observation;
    }
    const previous =
      rollout.previous === undefined ? undefined : await this.#revisions.get(environment, rollout.previous.revision);
    if (previous === undefined) {
      await this.#cluster.remove(environment, service);
      return this.#cluster.observe(environment, service);
    }
    // One write brings the template back and unpauses: nothing is left half-way between the two.
    if (observation.revision !== previous.number) await this.#cluster.apply(environment, previous);
    return observation;
  }

  async #load(rolloutId: string): Promise<{ readonly rollout: Rollout | undefined; readonly version: number }> {
    const commits = await this.#events.load(rolloutId, 0);
    let rollout: Rollout | undefined;
    for (const commit of commits) for (const event of commit.events) rollout = evolve(rollout, event);
    return { rollout, version: commits.at(-1)?.version ?? 0 };
  }
}

async function request(
  url: string,
  { smoke }: DeployTarget,
): Promise<{ readonly passed: boolean; readonly message: string }> {
  try {
    const response = await fetch(new URL(smoke.path, url), {
      signal: AbortSignal.timeout(smokeRequestMs),
      redirect: 'manual',
    });
    await response.body?.cancel();
    return {
      passed: response.status === smoke.expectStatus,
      message: `${smoke.path} answered ${response.status}, not ${smoke.expectStatus}`,
    };
  } catch {
    return { passed: false, message: `${smoke.path} did not answer` };
  }
}

function resultOf(rollout: Rollout, environment: string, durationMs: number): AttemptResult {
  const { state, revision, digest } = rollout;
  if (state.status === 'succeeded') {
    const deployed = { environment, revision, digest, ...(state.url === undefined ? {} : { url: state.url }) };
    return { outcome: 'succeeded', durationMs, artifacts: [], annotations: [], log: noLog, deployed };
  }
  const message = endMessage(rollout);
  if (state.status !== 'rolled-back')
    return failure({ type: state.status === 'held' ? 'not-ready' : 'configuration', message }, durationMs);
  return {
    ...failure({ type: 'not-ready', message }, durationMs),
    ...(state.to === undefined
      ? {}
      : { rolledBackTo: { environment, revision: state.to.revision, digest: state.to.digest } }),
  };
}

function endMessage({ state }: Rollout): string {
  switch (state.status) {
    case 'rolled-back':
      return `${state.reason}. ${state.message}`;
    case 'held':
      return `${state.reason}. The rollout is held where it stands`;
    case 'superseded':
      return `A newer rollout took the environment over (${state.by})`;
    case 'succeeded':
    case 'progressing':
    case 'smoking':
    case 'rolling-back':
      return state.status;
  }
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
