import type { Run } from '../../engine/core/run.ts';
import type { RunList } from '../../engine/ports/run-list.ts';
import type { RunChange, RunLoop } from '../../engine/run-loop.ts';

const flushMs = 100;
const retryMs = 2_000;

/** Keeps the list of runs up with their states: the newest version of each run, many changes in one write. */
export class ListRuns {
  readonly #runs: RunList;
  readonly #onError: (error: unknown) => void;
  readonly #dirty = new Map<string, { readonly run: Run; readonly version: number }>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(parts: { readonly loop: RunLoop; readonly runs: RunList; readonly onError: (error: unknown) => void }) {
    this.#runs = parts.runs;
    this.#onError = parts.onError;
    parts.loop.onChange(({ run, version }: RunChange) => {
      this.#dirty.set(run.runId, { run, version });
      this.#flushIn(run.outcome === undefined ? flushMs : 0);
    });
  }

  /** Writes what is still open. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#flushing;
    await this.#flush();
  }

  #flushIn(delayMs: number): void {
    if (this.#timer !== undefined && delayMs > 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flushing = this.#flushing.then(() => this.#flush());
    }, delayMs);
  }

  async #flush(): Promise<void> {
    const batch = [...this.#dirty.values()];
    this.#dirty.clear();
    await Promise.all(
      batch.map(async ({ run, version }) => {
        try {
          await this.#runs.save(run, version);
        } catch (error) {
          this.#onError(error);
          const newer = this.#dirty.get(run.runId);
          if (newer === undefined) this.#dirty.set(run.runId, { run, version });
          this.#flushIn(retryMs);
        }
      }),
    );
  }
}
