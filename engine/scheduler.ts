import { readySince, readyStages } from './core/decide.ts';
import type { PlannedStage } from './core/pipeline.ts';
import { isActive, type Run, stageState } from './core/run.ts';
import {
  type Candidate,
  countUp,
  grantSlots,
  type InUse,
  type PoolOf,
  poolKey,
  type SlotRules,
  type Wait,
} from './core/schedule.ts';
import { defaultPool } from './core/tenant.ts';
import type { Clock } from './ports/clock.ts';
import type { Alongside, RunChange, RunLoop } from './run-loop.ts';

/** Between two passes while thousands wait for room: a pass looks at all of them. */
const passSoonMs = 5;
const askAgainMs = 1_000;

/** A run's stages that have a slot: the pool of each. */
interface Active {
  readonly team: string;
  readonly pools: readonly (PoolOf | undefined)[];
}

/** Hands out slots to the stages of all driven runs. One pass per turn of the event loop, however many runs changed. */
export class Scheduler {
  readonly #loop: RunLoop;
  readonly #rules: SlotRules;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #room: () => number;
  readonly #ready = new Map<string, readonly Candidate[]>();
  readonly #active = new Map<string, Active>();
  /** Granted, not yet committed: they count as active and are no candidates. */
  readonly #granted = new Map<string, { readonly team: string; readonly pool: PoolOf | undefined }>();
  #last: { readonly waits: readonly Wait[] } = { waits: [] };
  /** More wait than the cluster takes in now. */
  #isStarved = false;
  #pass: NodeJS.Immediate | undefined;
  #passSoon: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(parts: {
    readonly loop: RunLoop;
    readonly rules: SlotRules;
    readonly clock: Clock;
    /** How many more pods the cluster takes in now: who is next is decided no sooner than that. */
    readonly room?: () => number;
    readonly onError: (error: unknown) => void;
  }) {
    this.#room = parts.room ?? (() => Number.POSITIVE_INFINITY);
    this.#loop = parts.loop;
    this.#rules = parts.rules;
    this.#clock = parts.clock;
    this.#onError = parts.onError;
    parts.loop.onChange((change) => this.#changed(change));
    parts.loop.onReady((run) => this.#grantAlongside(run));
  }

  /** Why stages of a run wait for a slot, as of the last pass. */
  waitsOf(runId: string): readonly Wait[] {
    return this.#last.waits.filter((wait) => wait.runId === runId);
  }

  /** There is room again: who waited for it is looked at soon, not for each place that gets free. */
  roomMade(): void {
    if (this.#isStarved) this.#pokeSoon();
  }

  stop(): void {
    this.#isStopped = true;
    clearImmediate(this.#pass);
    clearTimeout(this.#passSoon);
    clearTimeout(this.#timer);
  }

  #changed({ run }: RunChange): void {
    this.#track(run);
    if (this.#isStarved) this.#pokeSoon();
    else this.#poke();
  }

  #track(run: Run): void {
    const active = activeOf(run);
    if (active.pools.length === 0) this.#active.delete(run.runId);
    else this.#active.set(run.runId, active);

    const ready = this.#candidatesOf(run);
    if (ready.length === 0) this.#ready.delete(run.runId);
    else this.#ready.set(run.runId, ready);

    if (run.outcome !== undefined) return;
    for (const state of Object.values(run.stages)) {
      if (state.status === 'waiting' && state.notBefore !== undefined) this.#wake(state.notBefore);
    }
  }

  #candidatesOf(run: Run): readonly Candidate[] {
    return readyStages(run, this.#clock.now()).map((stage): Candidate => {
      const pool = poolOf(run, stage);
      return {
        runId: run.runId,
        stage: stage.name,
        lane: run.lane,
        team: run.team,
        ...(pool === undefined ? {} : { pool }),
        readySince: readySince(run, stage),
      };
    });
  }

  #wake(at: Date): void {
    const now = this.#clock.now().getTime();
    if (at.getTime() <= now || at.getTime() >= this.#wakeAt) return;
    clearTimeout(this.#timer);
    this.#wakeAt = at.getTime();
    this.#timer = setTimeout(() => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      for (const run of this.#loop.drivenRuns()) this.#track(run);
      this.#poke();
    }, this.#wakeAt - now);
  }

  #poke(): void {
    if (this.#isStopped) return;
    this.#pass ??= setImmediate(() => {
      this.#pass = undefined;
      this.#grant();
    });
  }

  #pokeSoon(): void {
    if (this.#isStopped) return;
    this.#passSoon ??= setTimeout(() => {
      this.#passSoon = undefined;
      this.#grant();
    }, passSoonMs);
  }

  /** What has a slot now, with a run as it will be in a moment. */
  #inUse(soon?: Run): InUse {
    const teams = new Map<string, number>();
    const pools = new Map<string, number>();
    const use = (team: string, pool: PoolOf | undefined) => {
      countUp(teams, team);
      if (pool !== undefined) countUp(pools, poolKey(pool));
    };
    for (const [runId, active] of this.#active) {
      const { team, pools: used } = soon?.runId === runId ? activeOf(soon) : active;
      for (const pool of used) use(team, pool);
    }
    for (const { team, pool } of this.#granted.values()) use(team, pool);
    return { teams, pools };
  }

  /** Slots for stages that a commit makes ready, in that very commit: but only while no other run asks for one. */
  #grantAlongside(run: Run): Alongside | undefined {
    // When many ask, one pass for all of them costs less than a look for each.
    const others = this.#ready.size - (this.#ready.has(run.runId) ? 1 : 0);
    if (this.#isStopped || this.#isStarved || others > 0) return undefined;
    const candidates = this.#candidatesOf(run).filter((candidate) => !this.#granted.has(keyOf(candidate)));
    const room = this.#room() - this.#granted.size;
    if (candidates.length === 0 || candidates.length > room) return undefined;
    const { grants } = grantSlots(candidates, this.#inUse(run), this.#rules, this.#clock.now());
    const [first, ...together] = grants;
    if (first === undefined) return undefined;
    const keys = grants.map(keyOf);
    for (const candidate of candidates) {
      const key = keyOf(candidate);
      if (keys.includes(key)) this.#granted.set(key, { team: candidate.team, pool: candidate.pool });
    }
    return {
      command: { type: 'ScheduleStage', stage: first.stage, reason: first.reason, together },
      settled: () => {
        for (const key of keys) this.#granted.delete(key);
      },
    };
  }

  #grant(): void {
    const room = this.#room() - this.#granted.size;
    this.#isStarved = room <= 0 && this.#ready.size > 0;
    if (room <= 0) return;
    const candidates = [...this.#ready.values()].flat().filter((candidate) => !this.#granted.has(keyOf(candidate)));
    const byKey = new Map(candidates.map((candidate) => [keyOf(candidate), candidate]));
    const pass = grantSlots(candidates, this.#inUse(), this.#rules, this.#clock.now(), room);
    this.#last = pass;
    const { grants } = pass;
    this.#isStarved = grants.length >= room;
    const hasMore = candidates.length > grants.length;
    if (hasMore) this.#wakeForAge(candidates);

    for (const [runId, [first, ...together]] of Map.groupBy(grants, (grant) => grant.runId)) {
      if (first === undefined) continue;
      const keys = [first, ...together].map(keyOf);
      for (const key of keys) {
        const candidate = byKey.get(key);
        this.#granted.set(key, { team: candidate?.team ?? '', pool: candidate?.pool });
      }
      this.#loop
        .send(runId, { type: 'ScheduleStage', stage: first.stage, reason: first.reason, together })
        .catch((error: unknown) => {
          this.#onError(error);
          // Nothing else may happen that would ask again: the store was away, and the run waits for this grant.
          this.#wake(new Date(this.#clock.now().getTime() + askAgainMs));
        })
        .finally(() => {
          for (const key of keys) this.#granted.delete(key);
          const run = this.#loop.driven(runId);
          if (run === undefined) this.#ready.delete(runId);
          else this.#track(run);
          if (this.#isStarved) this.#pokeSoon();
          else if (hasMore) this.#poke();
        });
    }
  }

  /** When the first of those that wait will rank with main. */
  #wakeForAge(candidates: readonly Candidate[]): void {
    const now = this.#clock.now().getTime();
    let soonest = Number.POSITIVE_INFINITY;
    for (const { lane, readySince: since } of candidates) {
      const at = since.getTime() + this.#rules.ageAfterMs;
      if (lane === 'feature' && at > now && at < soonest) soonest = at;
    }
    if (Number.isFinite(soonest)) this.#wake(new Date(soonest));
  }
}

function activeOf(run: Run): Active {
  const active = run.plan.stages.filter((stage) => isActive(stageState(run, stage.name)));
  return { team: run.team, pools: active.map((stage) => poolOf(run, stage)) };
}

/** A deploy is driven by Slipway itself and takes no place in a pool. */
function poolOf({ repository }: Run, { pool, deploy }: PlannedStage): PoolOf | undefined {
  return deploy === undefined ? { tenant: repository.tenant, name: pool ?? defaultPool } : undefined;
}

function keyOf({ runId, stage }: { readonly runId: string; readonly stage: string }): string {
  return `${runId}/${stage}`;
}
