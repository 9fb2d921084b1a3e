import type { Clock } from '../../engine/ports/clock.ts';

const answers = 20;
const withinMs = 10 * 60_000;
const maxPeople = 10_000;

/** How much people ask for. Kept in memory: after a restart everybody begins anew. */
export class Asking {
  readonly #clock: Clock;
  readonly #asked = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one more. @returns whether it is among those that anybody gets */
  isWithin(who: string): boolean {
    const now = this.#clock.now().getTime();
    const times = (this.#asked.get(who) ?? []).filter((at) => at > now - withinMs);
    // Whoever asked last stands last, so that those who asked long ago are forgotten first.
    this.#asked.delete(who);
    this.#asked.set(who, [...times, now].slice(-answers - 1));
    for (const [first] of this.#asked) {
      if (this.#asked.size <= maxPeople) break;
      this.#asked.delete(first);
    }
    return times.length < answers;
  }
}
