import type { Run } from '../../../engine/core/run.ts';
import type { RunChange } from '../../../engine/run-loop.ts';

const stepTimeoutMs = 90_000;

/** A step that was not seen to happen. */
export class TourError extends Error {
  override readonly name = 'TourError';
}

/** Remembers how runs ended, so that waiting never misses one. */
export class RunsSeen {
  readonly #ended = new Map<string, Run>();
  readonly #open = new Set<string>();
  readonly #waiting = new Map<string, (run: Run) => void>();

  constructor(onChange: (listener: (change: RunChange) => void) => void) {
    onChange(({ run }) => {
      if (run.outcome === undefined) this.#open.add(run.runId);
      else this.#open.delete(run.runId);
      if (run.outcome === undefined || run.outcome === 'CANCELLED') return;
      this.#ended.set(run.trigger.headSha, run);
      this.#waiting.get(run.trigger.headSha)?.(run);
    });
  }

  /** Whether no run goes on. */
  isQuiet(): boolean {
    return this.#open.size === 0;
  }

  hasEnded(sha: string): boolean {
    return this.#ended.has(sha);
  }

  /** The run of a commit, once it has ended. */
  async ended(sha: string): Promise<Run> {
    const known = this.#ended.get(sha);
    if (known !== undefined) return known;
    const { promise, resolve, reject } = Promise.withResolvers<Run>();
    this.#waiting.set(sha, resolve);
    const timer = setTimeout(
      () => reject(new TourError(`No run of ${sha.slice(0, 7)} ended within ${stepTimeoutMs / 1_000} s`)),
      stepTimeoutMs,
    );
    return promise.finally(() => clearTimeout(timer));
  }
}

export function expectOutcome(run: Run, outcome: Run['outcome']): void {
  if (run.outcome !== outcome) throw new TourError(`Run ${run.runId} ended as ${run.outcome}, not ${outcome}`);
}

export function deployedUrl(run: Run): string {
  for (const state of Object.values(run.stages)) {
    if (state.status === 'succeeded' && state.deployed?.url !== undefined) return state.deployed.url;
  }
  throw new TourError(`Run ${run.runId} deployed nothing with a URL`);
}

export async function pageOf(url: string): Promise<string> {
  return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
}

/** Nothing while it does not answer: a connection that is kept may end with the pod that it went to. */
export async function pageOrNothing(url: string): Promise<string> {
  return pageOf(url).catch(() => '');
}

export async function expectPage(url: string, status: number): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (response.status !== status) throw new TourError(`${url} answers ${response.status}, not ${status}`);
}

export async function found<T>(what: string, look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  let seen: readonly T[] = [];
  await eventually(what, async () => {
    seen = await look();
    return seen.length > 0;
  });
  return seen;
}

export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + stepTimeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new TourError(`Waited ${stepTimeoutMs / 1_000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function firstLine(text: string): string {
  const line = text.split('\n').find((it) => it.trim() !== '' && !/^(?:<!--|\[slipway)/.test(it)) ?? '';
  return line.replaceAll(/[#*]/g, '').trim();
}
