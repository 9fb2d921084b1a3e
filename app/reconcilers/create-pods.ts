import { podName } from '../../engine/core/pod-name.ts';
import { memoryForAttempt } from '../../engine/core/retry.ts';
import { attemptOf, isActive, plannedStage, type Run, stageState } from '../../engine/core/run.ts';
import type { FailureCause } from '../../engine/core/run-events.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import { EngineError } from '../../engine/ports/errors.ts';
import type { AttemptPod, AttemptRef, PodEndCause, PodObservation, PodRunner } from '../../engine/ports/pod-runner.ts';
import type { RunChange, RunLoop } from '../../engine/run-loop.ts';

export interface CreatePodsSettings {
  /** How long an ended pod's agent may still report before its silence counts as a fault. */
  readonly silenceMs: number;
  /** How long a pod may wait for its agent before the attempt counts as lost. */
  readonly pendingMs: number;
  readonly stopGraceMs: number;
  readonly createRetries: number;
}

export const defaultCreatePodsSettings: CreatePodsSettings = {
  silenceMs: 5_000,
  pendingMs: 15 * 60_000,
  stopGraceMs: 10_000,
  createRetries: 6,
};

/** Makes the pods that runs want exist, and the others go. Deploy stages have none: a rollout drives them. */
export class CreatePods {
  readonly #loop: RunLoop;
  readonly #pods: PodRunner;
  readonly #clock: Clock;
  readonly #settings: CreatePodsSettings;
  readonly #onError: (error: unknown) => void;
  /** Attempts whose pod was asked for, by pod name. */
  readonly #asked = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #watch: { stop(): void } | undefined;

  constructor(parts: {
    readonly loop: RunLoop;
    readonly pods: PodRunner;
    readonly clock: Clock;
    readonly settings: CreatePodsSettings;
    readonly onError: (error: unknown) => void;
  }) {
    this.#loop = parts.loop;
    this.#pods = parts.pods;
    this.#clock = parts.clock;
    this.#settings = parts.settings;
    this.#onError = parts.onError;
    parts.loop.onChange((change) => this.#changed(change));
  }

  /** Begins to watch, and removes pods that no run wants; call it once all unfinished runs were taken over. */
  async start(): Promise<void> {
    this.#watch = this.#pods.watch((observation) => this.#observed(observation));
    for (const pod of await this.#pods.list()) this.#observed(pod);
  }

  stop(): void {
    this.#watch?.stop();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #changed({ run, events }: RunChange): void {
    for (const stage of run.plan.stages) {
      const state = stageState(run, stage.name);
      if (stage.deploy !== undefined || !isActive(state) || this.#asked.has(state.podName)) continue;
      const attempt = { runId: run.runId, stage: stage.name, attempt: state.attempt };
      this.#asked.add(state.podName);
      void this.#create(attemptPod(run, attempt, state.podName)).catch(this.#onError);
      const waitedMs = this.#clock.now().getTime() - state.scheduledAt.getTime();
      if (state.status === 'scheduled') {
        this.#after(`pending/${state.podName}`, this.#settings.pendingMs - waitedMs, () =>
          this.#lost(
            attempt,
            {
              type: 'infrastructure',
              message: `The pod ${state.podName} did not start within ${this.#settings.pendingMs / 60_000} min`,
            },
            'scheduled',
          ),
        );
      }
    }
    for (const event of events) {
      if (event.type === 'StageSucceeded' || event.type === 'StageFailed') this.#ended(run, event.stage, event.attempt);
      if (event.type === 'StageCancelled') this.#ended(run, event.stage, attemptOf(stageState(run, event.stage)));
    }
  }

  #ended(run: Run, stage: string, attempt: number): void {
    const name = podName(run.runId, stage, attempt);
    if (this.#asked.has(name)) void this.#remove(name, run.repository.tenant).catch(this.#onError);
  }

  async #create(pod: AttemptPod): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      if (!this.#isActive(pod)) return;
      try {
        return await this.#pods.start(pod);
      } catch (error) {
        const isFinal = error instanceof EngineError && (error.code === 'invalid' || error.code === 'denied');
        if (!isFinal && tries <= this.#settings.createRetries) {
          await new Promise((resolve) => setTimeout(resolve, Math.min(200 * 2 ** tries, 10_000)));
          continue;
        }
        const message = error instanceof Error ? error.message : String(error);
        return this.#lost(pod, isFinal ? { type: 'configuration', message } : { type: 'infrastructure', message });
      }
    }
  }

  #observed({ podName: name, tenant, state, ...attempt }: PodObservation): void {
    const run = this.#loop.driven(attempt.runId);
    if (run === undefined || !this.#isWanted(run, attempt)) {
      if (state.phase !== 'gone') void this.#remove(name, tenant).catch(this.#onError);
      return;
    }
    if (state.phase === 'gone') {
      this.#silence(name, attempt, { type: 'infrastructure', message: `The pod ${name} was deleted from outside` });
    }
    if (state.phase === 'ended') this.#silence(name, attempt, causeOf(state.cause, state, run, attempt));
  }

  /** The agent's word counts before the pod's end: it gets a while to arrive. */
  #silence(name: string, attempt: AttemptRef, cause: FailureCause): void {
    const isFinal = cause.type === 'configuration';
    this.#after(`silence/${name}`, isFinal ? 0 : this.#settings.silenceMs, () => this.#lost(attempt, cause));
  }

  #after(key: string, delayMs: number, act: () => Promise<void>): void {
    if (this.#timers.has(key)) return;
    const timer = setTimeout(
      () => {
        this.#timers.delete(key);
        act().catch(this.#onError);
      },
      Math.max(0, delayMs),
    );
    timer.unref();
    this.#timers.set(key, timer);
  }

  async #lost(attempt: AttemptRef, cause: FailureCause, onlyWhile?: 'scheduled'): Promise<void> {
    const state = this.#loop.driven(attempt.runId)?.stages[attempt.stage];
    if (state === undefined || !isActive(state) || state.attempt !== attempt.attempt) return;
    if (onlyWhile !== undefined && state.status !== onlyWhile) return;
    const since = state.status === 'running' ? state.startedAt : state.scheduledAt;
    await this.#loop.send(attempt.runId, {
      type: 'RecordResult',
      stage: attempt.stage,
      attempt: attempt.attempt,
      result: {
        outcome: 'failed',
        cause,
        evidence: { excerpt: [], annotations: [] },
        durationMs: this.#clock.now().getTime() - since.getTime(),
        log: { lines: 0, bytes: 0, sha256: '' },
      },
    });
  }

  async #remove(name: string, tenant: string): Promise<void> {
    this.#asked.delete(name);
    for (const key of [`pending/${name}`, `silence/${name}`]) {
      clearTimeout(this.#timers.get(key));
      this.#timers.delete(key);
    }
    await this.#pods.stop({ tenant, podName: name }, { graceMs: this.#settings.stopGraceMs });
  }

  #isActive(attempt: AttemptRef): boolean {
    const run = this.#loop.driven(attempt.runId);
    return run !== undefined && this.#isWanted(run, attempt);
  }

  #isWanted(run: Run, { stage, attempt }: AttemptRef): boolean {
    const state = run.stages[stage];
    return state !== undefined && isActive(state) && state.attempt === attempt;
  }
}

function attemptPod(run: Run, attempt: AttemptRef, name: string): AttemptPod {
  const stage = plannedStage(run, attempt.stage);
  if (stage === undefined) throw new RangeError(`Run ${run.runId} has no stage "${attempt.stage}"`);
  return {
    ...attempt,
    tenant: run.repository.tenant,
    podName: name,
    image: stage.image,
    resources: { ...stage.resources, memoryBytes: memoryForAttempt(stage, run.failures[stage.name] ?? []) },
    timeoutMs: stage.timeoutMs,
  };
}

function causeOf(
  cause: PodEndCause,
  { message }: { readonly message: string },
  run: Run,
  { stage }: AttemptRef,
): FailureCause {
  const planned = plannedStage(run, stage);
  switch (cause) {
    case 'out-of-memory':
      return {
        type: 'out-of-memory',
        limitBytes: planned === undefined ? 0 : memoryForAttempt(planned, run.failures[stage] ?? []),
      };
    case 'deadline':
      return { type: 'timed-out', afterMs: planned?.timeoutMs ?? 0 };
    case 'configuration':
      return { type: 'configuration', message };
    case 'completed':
    case 'command':
    case 'infrastructure':
      return { type: 'infrastructure', message: `The pod ended and its agent reported nothing: ${message}` };
  }
}
