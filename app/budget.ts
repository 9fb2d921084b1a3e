import type { Clock } from '../engine/ports/clock.ts';
import type { Limit } from '../providers/git-host.ts';

/** The host counts a request when it arrives, which is later than here, and not always by the same time. */
const arrivalMs = 1_000;

/** Limits on one kind of request, all of which must hold. One that does not fit is told how long to wait. */
export class Budget {
  readonly #limits: readonly Limit[];
  readonly #clock: Clock;
  #spent: { readonly at: number; readonly cost: number }[] = [];
  #heldUntil = 0;

  constructor(limits: readonly Limit[], clock: Clock) {
    this.#limits = limits.map(({ amount, perMs }) => ({ amount, perMs: perMs + arrivalMs }));
    this.#clock = clock;
  }

  /** Spends, and returns 0; or returns the milliseconds until it may fit. */
  spend(cost: number): number {
    const waitMs = this.waitMs(cost);
    if (waitMs === 0) this.#spent.push({ at: this.#clock.now().getTime(), cost });
    return waitMs;
  }

  /**
   * 0 where it fits now; else the milliseconds until it may.
   * @param share of the limits that may be used up, from 0 to 1: what can wait leaves something to what cannot
   */
  waitMs(cost: number, share = 1): number {
    const now = this.#clock.now().getTime();
    if (now < this.#heldUntil) return this.#heldUntil - now;
    const longest = Math.max(...this.#limits.map(({ perMs }) => perMs));
    this.#spent = this.#spent.filter(({ at }) => at > now - longest);
    for (const { amount, perMs } of this.#limits) {
      const within = this.#spent.filter(({ at }) => at > now - perMs);
      let excess = within.reduce((sum, spent) => sum + spent.cost, 0) + cost - amount * share;
      if (excess <= 0) continue;
      for (const { at, cost: freed } of within) {
        excess -= freed;
        if (excess <= 0) return at + perMs - now + 1;
      }
      return perMs;
    }
    return 0;
  }

  /** The host asked for a pause: nothing is asked until then. */
  hold(forMs: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, this.#clock.now().getTime() + forMs);
  }
}
