import { readySince, readyStages } from './core/decide.ts';
import { isActive, type Run } from './core/run.ts';
import { type Candidate, grantSlots, type SlotRules, type Wait } from './core/schedule.ts';
import type { Clock } from './ports/clock.ts';
import type { RunChange, RunLoop } from './run-loop.ts';

/** Hands out slots to the stages of all driven runs. One pass per turn of the event loop, however many runs changed. */
export class Scheduler {
  readonly #loop: RunLoop;
  readonly #rules: SlotRules;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #ready = new Map<string, readonly Candidate[]>();
  readonly #active = new Map<string, { readonly team: string; readonly count: number }>();
  /** Granted, not yet committed: they count as active and are no candidates. */
  readonly #granted = new Map<string, string>();
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
    const active = Object.values(run.stages).filter(isActive).length;
    if (active === 0) this.#active.delete(run.runId);
    else this.#active.set(run.runId, { team: run.team, count: active });

    const ready = readyStages(run, this.#clock.now()).map(
      (stage): Candidate => ({
        runId: run.runId,
        stage: stage.name,
        lane: run.lane,
        team: run.team,
        readySince: readySince(run, stage),
      }),
    );
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
    const used = new Map<string, number>();
    for (const { team, count } of this.#active.values()) used.set(team, (used.get(team) ?? 0) + count);
    for (const team of this.#granted.values()) used.set(team, (used.get(team) ?? 0) + 1);
    const candidates = [...this.#ready.values()].flat().filter((candidate) => !this.#granted.has(keyOf(candidate)));
    const teams = new Map(candidates.map(({ runId, team }) => [runId, team]));
    const { grants, waits } = grantSlots(candidates, used, this.#rules, this.#clock.now());
    this.#waits = waits;
    const oldest = candidates[0] === undefined ? undefined : Math.min(...waits.map((wait) => this.#ageAt(wait)));
    if (oldest !== undefined && Number.isFinite(oldest)) this.#wake(new Date(oldest));

    for (const grant of grants) {
      const key = keyOf(grant);
      this.#granted.set(key, teams.get(grant.runId) ?? '');
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

function keyOf({ runId, stage }: { readonly runId: string; readonly stage: string }): string {
  return `${runId}/${stage}`;
}
