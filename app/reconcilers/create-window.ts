const first = 64;
const widest = 1_024;
const narrowest = 4;
/** Delays alone narrow it no further: they may be this process's own, which fewer creates would not shorten. */
const narrowestByDelay = 32;
/** What creates may wait for each other: so long does a hotfix wait behind those that were sent before it. */
const targetMs = 100;
/** How long the fastest answer counts as what an idle cluster takes: it may be moved, or change its admission. */
const baseMs = 60_000;
const maxPauseMs = 60_000;

/** What a refusal for load says. */
export interface Overload {
  /** The cluster's own word on when to come again. */
  readonly retryAfterMs: number;
}

/**
 * How many creates may be under way at once. It follows what the cluster takes, by the delay that creates cost each
 * other, as LEDBAT (RFC 6817) does: doubled within a round while answers come as fast as they ever do, wider by ever
 * less as they near the target, narrower beyond it. A refusal for load (429, Priority and Fairness, a time-out) halves
 * it, once for all that were under way then, and shuts it for as long as the cluster asks.
 */
export class CreateWindow {
  readonly #nowMs: () => number;
  readonly #onRoom: () => void;
  readonly #waiting: (() => void)[] = [];
  #width = first;
  #open = 0;
  /** The fastest answers of this period and of the one before, in milliseconds. */
  #fastest = Number.POSITIVE_INFINITY;
  #fastestBefore = Number.POSITIVE_INFINITY;
  #periodSince = 0;
  /** Creates that began before this say nothing of the window as it is now. */
  #narrowedAt = Number.NEGATIVE_INFINITY;
  #shut: NodeJS.Timeout | undefined;
  #shutUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    /** Milliseconds by a clock that nobody sets. */
    readonly nowMs: () => number;
    /** Told when there may be more room than before. */
    readonly onRoom: () => void;
  }) {
    this.#nowMs = parts.nowMs;
    this.#onRoom = parts.onRoom;
  }

  /** Creates that could begin at once. */
  get room(): number {
    return this.#shut === undefined ? Math.max(0, Math.floor(this.#width) - this.#open - this.#waiting.length) : 0;
  }

  /** More than half of what the cluster takes is under way. */
  get isFull(): boolean {
    return this.#open * 2 > this.#width;
  }

  /**
   * Makes the create. After a takeover more than fit are there at once: they take turns.
   * @param overloadOf undefined for a failure that says nothing of the cluster's load
   */
  async through(create: () => Promise<void>, overloadOf: (error: unknown) => Overload | undefined): Promise<void> {
    if (this.#shut === undefined && this.#open < Math.floor(this.#width)) this.#open += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const beganAt = this.#nowMs();
    const wasFull = this.isFull;
    try {
      await create();
      this.#answered(beganAt, wasFull || this.isFull);
    } catch (error) {
      const overload = overloadOf(error);
      if (overload !== undefined) this.#refused(beganAt, overload);
      throw error;
    } finally {
      this.#open -= 1;
      this.#letIn();
    }
  }

  #answered(beganAt: number, isFull: boolean): void {
    const now = this.#nowMs();
    const tookMs = now - beganAt;
    if (now - this.#periodSince > baseMs) {
      this.#periodSince = now;
      this.#fastestBefore = this.#fastest;
      this.#fastest = Number.POSITIVE_INFINITY;
    }
    this.#fastest = Math.min(this.#fastest, tookMs);
    const delayMs = tookMs - Math.min(this.#fastest, this.#fastestBefore);
    const spare = Math.max(-1, 1 - delayMs / targetMs);
    // A window that nobody fills may not grow: all of it could be filled at once.
    if (spare > 0 && isFull) this.#width = Math.min(widest, this.#width + spare);
    if (spare < 0 && this.#width > narrowestByDelay) this.#width = Math.max(narrowestByDelay, this.#width + spare / 2);
  }

  #refused(beganAt: number, { retryAfterMs }: Overload): void {
    const now = this.#nowMs();
    if (beganAt > this.#narrowedAt) {
      this.#narrowedAt = now;
      this.#width = Math.max(narrowest, this.#width / 2);
    }
    const until = now + Math.min(retryAfterMs, maxPauseMs);
    if (retryAfterMs <= 0 || until <= this.#shutUntil) return;
    this.#shutUntil = until;
    clearTimeout(this.#shut);
    this.#shut = setTimeout(() => {
      this.#shut = undefined;
      this.#letIn();
    }, until - now);
    this.#shut.unref();
  }

  #letIn(): void {
    while (this.#shut === undefined && this.#open < Math.floor(this.#width)) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#open += 1;
      next();
    }
    if (this.room > 0) this.#onRoom();
  }
}
