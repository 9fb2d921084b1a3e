import { attemptOf, isEnded, namedStage, type Run } from '../engine/core/run.ts';
import type { RunEvent } from '../engine/core/run-events.ts';
import type { Commit } from '../engine/ports/event-store.ts';
import type { LogStore } from '../engine/ports/log-store.ts';
import type { AttemptRef } from '../engine/ports/pod-runner.ts';
import type { RunList, RunSummary } from '../engine/ports/run-list.ts';
import type { RunChange, RunLoop } from '../engine/run-loop.ts';

/** What was asked for is not there, and what is. */
export interface NotThere {
  readonly error: string;
  readonly fix: string;
}

/** An attempt whose log can be read. */
export interface LogPlace {
  readonly ref: AttemptRef;
  readonly latestAttempt: number;
  /** Nothing more comes, whether or not its log was ended. */
  readonly isOver: boolean;
  /** How many lines were told of; undefined where that is not known. */
  readonly lines: number | undefined;
}

/** What the API and the pages read of runs. Who may read is asked before. */
export class ReadRuns {
  readonly #loop: RunLoop;
  readonly #runs: RunList;
  readonly #logs: LogStore;

  constructor(parts: { readonly loop: RunLoop; readonly runs: RunList; readonly logs: LogStore }) {
    this.#loop = parts.loop;
    this.#runs = parts.runs;
    this.#logs = parts.logs;
  }

  /** @param text an id, or the beginning of one */
  async idOf(text: string): Promise<string | NotThere> {
    const [first, second] = await this.#runs.idsByPrefix(text);
    if (first === undefined) return { error: `There is no run "${text}"`, fix: 'See `slipway runs` for the ids' };
    if (second !== undefined && first !== text)
      return { error: `"${text}" could be ${first} or ${second}`, fix: 'Give more of the id' };
    return first;
  }

  /** Newest first. */
  recent(limit: number): Promise<readonly RunSummary[]> {
    return this.#runs.find({}, { limit });
  }

  latest(runId: string): Promise<RunChange | undefined> {
    return this.#loop.runAt(runId, Number.MAX_SAFE_INTEGER);
  }

  history(runId: string): Promise<readonly Commit<RunEvent>[]> {
    return this.#loop.history(runId);
  }

  /** @param wanted the attempt; the latest when left out */
  logPlace(run: Run, stage: string, wanted?: number): LogPlace | NotThere {
    const state = namedStage(run, stage);
    if (state === undefined) {
      const names = run.plan.stages.map(({ name }) => name).join(', ');
      return { error: `Run ${run.runId} has no stage "${stage}"`, fix: `Its stages: ${names}` };
    }
    const latestAttempt = Math.max(1, attemptOf(state));
    const attempt = wanted ?? latestAttempt;
    if (attempt > latestAttempt)
      return {
        error: `Stage "${stage}" of run ${run.runId} has no attempt ${attempt}`,
        fix: `Its last is ${latestAttempt}`,
      };
    return {
      ref: { runId: run.runId, stage, attempt },
      latestAttempt,
      isOver: isEnded(state) || attempt < latestAttempt,
      lines: attempt === latestAttempt && 'log' in state ? state.log.lines : undefined,
    };
  }

  /** Its lines from a number on, and as they come until `signal` where one is given. */
  async *lines(
    { ref, isOver, lines }: LogPlace,
    fromLine: number,
    signal?: AbortSignal,
  ): AsyncIterable<{ readonly firstLine: number; readonly lines: readonly string[] }> {
    let isEmpty = true;
    const batches =
      signal !== undefined && !isOver ? this.#logs.follow(ref, fromLine, signal) : this.#logs.read(ref, fromLine);
    for await (const batch of batches) {
      isEmpty = false;
      yield batch;
    }
    if (isEmpty && lines !== undefined && lines > fromLine)
      yield { firstLine: fromLine, lines: ['slipway: this log is not kept any more'] };
  }
}
