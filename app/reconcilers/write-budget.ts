import type { Clock } from '../../engine/ports/clock.ts';

/** How much may be written within a time. */
export interface Limit {
  readonly amount: number;
  readonly perMs: number;
}

/** The host counts a write when it arrives, which is later than here, and not always by the same time. */
const arrivalMs = 1_000;

/** Limits on one kind of write, all of which must hold. A write that does not fit is told how long to wait. */
export class WriteBudget {
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
    const now = this.#clock.now().getTime();
    if (now < this.#heldUntil) return this.#heldUntil - now;
    const longest = Math.max(...this.#limits.map(({ perMs }) => perMs));
    this.#spent = this.#spent.filter(({ at }) => at > now - longest);
    for (const { amount, perMs } of this.#limits) {
      const within = this.#spent.filter(({ at }) => at > now - perMs);
      let excess = within.reduce((sum, spent) => sum + spent.cost, 0) + cost - amount;
      if (excess <= 0) continue;
      for (const { at, cost: freed } of within) {
        excess -= freed;
        if (excess <= 0) return at + perMs - now + 1;
      }
      return perMs;
    }
    this.#spent.push({ at: now, cost });
    return 0;
  }

  /** The host asked for a pause: nothing is written until then. */
  hold(forMs: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, this.#clock.now().getTime() + forMs);
  }
}
