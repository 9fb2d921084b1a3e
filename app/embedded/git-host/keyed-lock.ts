/** Runs work of the same key one after another, in the order asked; other keys do not wait. */
export class KeyedLock {
  readonly #tails = new Map<string | number, Promise<void>>();

  async run<Result>(key: string | number, work: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(work);
    // The next in line waits for the end of this one, however it ended; its failure is its caller's.
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }

  /** Until nothing runs or waits. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
