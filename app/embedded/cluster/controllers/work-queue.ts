import type { Logger } from '../log.ts';

const firstRetryMs = 100;
const lastRetryMs = 30_000;

/** Keys to look at again: each once per turn, however often it was asked for; one that fails is tried again, later. */
export class WorkQueue {
  readonly #name: string;
  readonly #act: (key: string) => void;
  readonly #log: Logger;
  readonly #due = new Set<string>();
  readonly #timers = new Map<string, { readonly timer: NodeJS.Timeout; readonly atMs: number }>();
  readonly #failures = new Map<string, number>();
  #turn: NodeJS.Immediate | undefined;
  #isStopped = false;

  constructor(name: string, act: (key: string) => void, log: Logger) {
    this.#name = name;
    this.#act = act;
    this.#log = log;
  }

  add(key: string): void {
    if (this.#isStopped) return;
    this.#due.add(key);
    this.#turn ??= setImmediate(() => this.#run());
  }

  /** Looks at a key after a while; of several times the soonest counts. */
  addLater(key: string, delayMs: number): void {
    if (this.#isStopped) return;
    const atMs = performance.now() + delayMs;
    const known = this.#timers.get(key);
    if (known !== undefined && known.atMs <= atMs) return;
    clearTimeout(known?.timer);
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      this.add(key);
    }, delayMs);
    timer.unref();
    this.#timers.set(key, { timer, atMs });
  }

  stop(): void {
    this.#isStopped = true;
    clearImmediate(this.#turn);
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
  }

  #run(): void {
    this.#turn = undefined;
    const keys = [...this.#due];
    this.#due.clear();
    for (const key of keys) {
      try {
        this.#act(key);
        this.#failures.delete(key);
      } catch (error) {
        const failures = (this.#failures.get(key) ?? 0) + 1;
        this.#failures.set(key, failures);
        this.addLater(key, Math.min(firstRetryMs * 2 ** failures, lastRetryMs));
        this.#log.warn({ err: error, controller: this.#name, key, failures }, 'A controller will try again');
      }
    }
  }
}
