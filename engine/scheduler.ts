import { readySince, readyStages } from './core/decide.ts';
import type { PlannedStage } from './core/pipeline.ts';
import { isActive, type Run, stageState } from './core/run.ts';
import {
  type Candidate,
  countUp,
  grantSlots,
  type PoolOf,
  poolKey,
  type SlotRules,
  type Wait,
} from './core/schedule.ts';
import { defaultPool } from './core/tenant.ts';
import type { Clock } from './ports/clock.ts';
import type { RunChange, RunLoop } from './run-loop.ts';

/** Hands out slots to the stages of all driven runs. One pass per turn of the event loop, however many runs changed. */
export class Scheduler {
  readonly #loop: RunLoop;
  readonly #rules: SlotRules;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #ready = new Map<string, readonly Candidate[]>();
  readonly #active = new Map<string, { readonly team: string; readonly pools: readonly (PoolOf | undefined)[] }>();
  /** Granted, not yet committed: they count as active and are no candidates. */
  readonly #granted = new Map<string, { readonly team: string; readonly pool: PoolOf | undefined }>();
  #waits: readonly Wait[] = [];
  #pass: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(parts: {
    readonly loop: RunLoop;
    readonly rules: SlotRules;
    readonly clock: Clock;
    readonly onError: (error: unknown) => void;
  }) {
    this.#loop = parts.loop;
    this.#rules = parts.rules;
    this.#clock = parts.clock;
    this.#onError = parts.onError;
    parts.loop.onChange((change) => this.#changed(change));
  }

  /** Why stages of a run wait for a slot, as of the last pass. */
  waitsOf(runId: string): readonly Wait[] {
    return this.#waits.filter((wait) => wait.runId === runId);
  }

  stop(): void {
    this.#isStopped = true;
    clearImmediate(this.#pass);
    clearTimeout(this.#timer);
  }

  #changed({ run }: RunChange): void {
    this.#track(run);
    this.#poke();
  }

  #track(run: Run): void {
    const active = run.plan.stages.filter((stage) => isActive(stageState(run, stage.name)));
    if (active.length === 0) this.#active.delete(run.runId);
    else this.#active.set(run.runId, { team: run.team, pools: active.map((stage) => poolOf(run, stage)) });

    const ready = readyStages(run, this.#clock.now()).map((stage): Candidate => {
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
    if (ready.length === 0) this.#ready.delete(run.runId);
    else this.#ready.set(run.runId, ready);

    if (run.outcome !== undefined) return;
    for (const state of Object.values(run.stages)) {
      if (state.status === 'waiting' && state.notBefore !== undefined) this.#wake(state.notBefore);
    }
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

  #grant(): void {
    const teams = new Map<string, number>();
    const pools = new Map<string, number>();
    const use = (team: string, pool: PoolOf | undefined) => {
      countUp(teams, team);
      if (pool !== undefined) countUp(pools, poolKey(pool));
    };
    for (const { team, pools: used } of this.#active.values()) for (const pool of used) use(team, pool);
    for (const { team, pool } of this.#granted.values()) use(team, pool);
    const candidates = [...this.#ready.values()].flat().filter((candidate) => !this.#granted.has(keyOf(candidate)));
    const byKey = new Map(candidates.map((candidate) => [keyOf(candidate), candidate]));
    const { grants, waits } = grantSlots(candidates, { teams, pools }, this.#rules, this.#clock.now());
    this.#waits = waits;
    const oldest = candidates[0] === undefined ? undefined : Math.min(...waits.map((wait) => this.#ageAt(wait)));
    if (oldest !== undefined && Number.isFinite(oldest)) this.#wake(new Date(oldest));

    for (const grant of grants) {
      const key = keyOf(grant);
      const candidate = byKey.get(key);
      this.#granted.set(key, { team: candidate?.team ?? '', pool: candidate?.pool });
      this.#loop
        .send(grant.runId, { type: 'ScheduleStage', stage: grant.stage, reason: grant.reason })
        .catch(this.#onError)
        .finally(() => {
          this.#granted.delete(key);
          const run = this.#loop.driven(grant.runId);
          if (run === undefined) this.#ready.delete(grant.runId);
          else this.#track(run);
          if (waits.length > 0) this.#poke();
        });
    }
  }

  /** When a waiting stage will rank with main. */
  #ageAt(wait: Wait): number {
    const candidate = this.#ready.get(wait.runId)?.find(({ stage }) => stage === wait.stage);
    if (candidate === undefined || candidate.lane !== 'feature') return Number.POSITIVE_INFINITY;
    const at = candidate.readySince.getTime() + this.#rules.ageAfterMs;
    return at > this.#clock.now().getTime() ? at : Number.POSITIVE_INFINITY;
  }
}

/** A deploy is driven by Slipway itself and takes no place in a pool. */
function poolOf({ repository }: Run, { pool, deploy }: PlannedStage): PoolOf | undefined {
  return deploy === undefined ? { tenant: repository.tenant, name: pool ?? defaultPool } : undefined;
}

function keyOf({ runId, stage }: { readonly runId: string; readonly stage: string }): string {
  return `${runId}/${stage}`;
}
