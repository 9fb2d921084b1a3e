import type { DeployTarget } from '../engine/core/pipeline.ts';
import { type Clock, steadyClock } from '../engine/ports/clock.ts';
import type { EventStore } from '../engine/ports/event-store.ts';
import { decide, type RolloutFacts } from './decide.ts';
import type { Cluster, ServiceObservation } from './ports/cluster.ts';
import { DeployError } from './ports/errors.ts';
import type { EnvironmentRef, Revision } from './revision.ts';
import type { Revisions } from './revisions.ts';
import { evolve, isOver, type Rollout } from './rollout.ts';
import type { RolloutEvent, RolloutOrigin } from './rollout-events.ts';
import { smokeRequest } from './smoke-request.ts';

const lookMs = 250;

/** What a rollout is to bring about. */
export interface RolloutWish {
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

/** Drives rollouts to their ends over a cluster: decides, acts, records. */
export class RolloutDriver {
  readonly #cluster: Cluster;
  readonly #revisions: Revisions;
  readonly #events: EventStore<RolloutEvent>;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  #isStopped = false;

  constructor(parts: {
    readonly cluster: Cluster;
    readonly revisions: Revisions;
    readonly events: EventStore<RolloutEvent>;
    readonly clock: Clock;
    readonly onError: (error: unknown) => void;
  }) {
    this.#cluster = parts.cluster;
    this.#revisions = parts.revisions;
    this.#events = parts.events;
    this.#clock = parts.clock;
    this.#onError = parts.onError;
  }

  /** Rollouts under way stay where they are; the next start takes them up. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Moves the environment, step by step, each one recorded before the next. Killed anywhere, it goes on from what was recorded.
   * @param cancelledBecause looked at before each step: a reason ends the rollout
   * @returns how it ended, or where it stood when this was stopped
   */
  async drive(wish: RolloutWish, cancelledBecause: () => string | undefined): Promise<Rollout> {
    const { environment, rolloutId, target } = wish;
    // A machine whose clock is set in the middle makes no rollout late.
    const steady = steadyClock(this.#clock.now());
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
        at: steady.now(),
        rolloutId,
        revision: revision.number,
        digest: revision.digest,
        target,
        ...(previous === undefined ? {} : { previous: { revision: previous.number, digest: previous.digest } }),
        origin: originOf(wish, revision),
      });
      if (holder !== rolloutId) await append({ type: 'RolloutSuperseded', at: steady.now(), by: holder });
    }
    while (rollout !== undefined && !isOver(rollout) && !this.#isStopped) {
      try {
        const event = await this.#step(environment, revision, rollout, steady, cancelledBecause);
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
    clock: Clock,
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
        ? await smokeRequest(observation.url, rollout.target)
        : undefined;
    const because = cancelledBecause();
    const facts: RolloutFacts = {
      now: clock.now(),
      observation,
      ...(smoke === undefined ? {} : { smoke }),
      ...(supersededBy === undefined ? {} : { supersededBy }),
      ...(because === undefined ? {} : { cancelledBecause: because }),
    };
    const event = decide(rollout, facts);
    return event?.type === 'RolloutTripped' && because === undefined
      ? this.#withTrouble(event, environment, revision)
      : event;
  }

  /** That it is not ready is no help to anybody: why is. */
  async #withTrouble(
    event: Extract<RolloutEvent, { type: 'RolloutTripped' }>,
    environment: EnvironmentRef,
    revision: Revision,
  ): Promise<RolloutEvent> {
    const trouble = await this.#cluster.trouble(environment, revision).catch((error: unknown) => {
      this.#onError(error);
      return undefined;
    });
    if (trouble === undefined) return event;
    const { message, excerpt } = trouble;
    return { ...event, reason: `${event.reason}: ${message}`, ...(excerpt.length === 0 ? {} : { excerpt }) };
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

function originOf(
  { environment, orderAt }: RolloutWish,
  { by, at, headSha, runId, rollbackOf }: Revision,
): RolloutOrigin {
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
