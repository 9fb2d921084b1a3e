const narrowest = 4;
const widest = 64;

/**
 * How many creates may be under way at once. It adapts as the cluster answers: a refusal for load (429, Priority and
 * Fairness, a time-out) halves it, each create that is accepted widens it a little.
 */
export class CreateWindow {
  readonly #onRoom: () => void;
  readonly #waiting: (() => void)[] = [];
  #width = widest;
  #open = 0;

  /** @param onRoom told when there may be more room than before */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  /** Creates that could begin at once. */
  get room(): number {
    return Math.max(0, Math.floor(this.#width) - this.#open - this.#waiting.length);
  }

  /** Makes the create. After a takeover more than fit are there at once: they take turns. */
  async through(create: () => Promise<void>, isOverload: (error: unknown) => boolean): Promise<void> {
    if (this.#open >= Math.floor(this.#width)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#open += 1;
    try {
      await create();
      this.#width = Math.min(widest, this.#width + 1 / this.#width);
    } catch (error) {
      if (isOverload(error)) this.#width = Math.max(narrowest, this.#width / 2);
      throw error;
    } finally {
      this.#open -= 1;
      if (this.#open < Math.floor(this.#width)) this.#waiting.shift()?.();
      if (this.room > 0) this.#onRoom();
    }
  }
}
