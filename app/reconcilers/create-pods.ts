import { podName } from '../../engine/core/pod-name.ts';
import { memoryForAttempt } from '../../engine/core/retry.ts';
import { attemptOf, isActive, plannedStage, type Run, stageState } from '../../engine/core/run.ts';
import type { FailureCause } from '../../engine/core/run-events.ts';
import type { Wait } from '../../engine/core/schedule.ts';
import { defaultPool } from '../../engine/core/tenant.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import { EngineError } from '../../engine/ports/errors.ts';
import type { AttemptPod, AttemptRef, PodObservation, PodRunner } from '../../engine/ports/pod-runner.ts';
import type { RunChange, RunLoop } from '../../engine/run-loop.ts';
import { CreateWindow } from './create-window.ts';
import { failureOf } from './pod-failure.ts';

export interface CreatePodsSettings {
  /** How long an ended pod's agent may still report before its silence counts as a fault. */
  readonly silenceMs: number;
  /** How long a pod may wait for its agent before the attempt counts as lost. */
  readonly pendingMs: number;
  readonly stopGraceMs: number;
  /** How long a pod whose stage succeeded is left to end by itself. */
  readonly lingerMs: number;
  /** And how long at most, while the cluster has as many pods to make as it takes. */
  readonly longestLingerMs: number;
  readonly createRetries: number;
}

export const defaultCreatePodsSettings: CreatePodsSettings = {
  silenceMs: 5_000,
  pendingMs: 15 * 60_000,
  stopGraceMs: 10_000,
  lingerMs: 2_000,
  longestLingerMs: 30_000,
  createRetries: 6,
};

const firstRetryMs = 400;
const maxRetryMs = 10_000;
const lostAgainMs = 1_000;

type Waiting = Extract<PodObservation['state'], { phase: 'waiting' }>;

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
  /** What pods wait for, by pod name. Told to people and never kept: it changes as the cluster does. */
  readonly #waiting = new Map<string, AttemptRef & Waiting>();
  /** Who or what asked a pod to end, by pod name: its agent knows only that it was asked. */
  readonly #disturbed = new Map<string, string>();
  /** Pods that were asked to go, until they are gone: asking once is enough, however often they are seen meanwhile. */
  readonly #removed = new Set<string>();
  readonly #window = new CreateWindow({ nowMs: () => performance.now(), onRoom: () => this.#onRoom() });
  #onWait: (runId: string) => void = () => undefined;
  #onRoom: () => void = () => undefined;
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
  start(): void {
    this.#watch = this.#pods.watch((observation) => this.#observed(observation));
  }

  /** Tells when what a run's pods wait for has changed. */
  onWait(listener: (runId: string) => void): void {
    this.#onWait = listener;
  }

  /** How many more pods the cluster takes in now. */
  get room(): number {
    return this.#window.room;
  }

  /** Tells when there is more room. */
  onRoom(listener: () => void): void {
    this.#onRoom = listener;
  }

  /** What stages of a run that have a slot wait for. */
  waitsOf(runId: string): readonly Wait[] {
    return [...this.#waiting.values()].flatMap((waiting) =>
      waiting.runId === runId && waiting.reason !== undefined
        ? [{ runId, stage: waiting.stage, reason: waiting.reason, ahead: 0 }]
        : [],
    );
  }

  /** Why a pod was asked to end, where the cluster said so. */
  disturbanceOf(name: string): string | undefined {
    return this.#disturbed.get(name);
  }

  stop(): void {
    this.#watch?.stop();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #changed({ run, events }: RunChange): void {
    for (const stage of run.plan.stages) {
      const state = stageState(run, stage.name);
      if (stage.deploy !== undefined || !isActive(state)) continue;
      const attempt = { runId: run.runId, stage: stage.name, attempt: state.attempt };
      if (state.status === 'running') this.#waits(state.podName, attempt, undefined);
      if (this.#asked.has(state.podName)) continue;
      this.#asked.add(state.podName);
      void this.#create(attemptPod(run, attempt, state.podName)).catch(this.#onError);
      const waitedMs = this.#clock.now().getTime() - state.scheduledAt.getTime();
      if (state.status === 'scheduled') {
        this.#after(`pending/${state.podName}`, this.#settings.pendingMs - waitedMs, () =>
          this.#lost(attempt, this.#neverStarted(state.podName), 'scheduled'),
        );
      }
    }
    for (const event of events) {
      if (event.type === 'StageSucceeded') this.#linger(run, event.stage, event.attempt);
      if (event.type === 'StageFailed') this.#ended(run, event.stage, event.attempt);
      if (event.type === 'StageCancelled') this.#ended(run, event.stage, attemptOf(stageState(run, event.stage)));
    }
  }

  #ended(run: Run, stage: string, attempt: number): void {
    const name = podName(run.runId, stage, attempt);
    if (this.#asked.has(name)) void this.#remove(name, run.repository.tenant).catch(this.#onError);
  }

  /**
   * A pod that has ended is removed by one write, one that runs takes three; and at this moment the cluster has the next
   * stage's pod to make. While many wait to be made, what is over makes way for them: nobody waits for its end.
   */
  #linger(run: Run, stage: string, attempt: number): void {
    const name = podName(run.runId, stage, attempt);
    if (!this.#asked.has(name)) return;
    this.#forget(name);
    const { lingerMs, longestLingerMs } = this.#settings;
    const until = performance.now() + longestLingerMs;
    const leave = () =>
      this.#after(`linger/${name}`, lingerMs, async () => {
        if (this.#window.isFull && performance.now() < until) leave();
        else await this.#remove(name, run.repository.tenant);
      });
    leave();
  }

  async #create(pod: AttemptPod): Promise<void> {
    let faults = 0;
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(retryMs * 2, maxRetryMs)) {
      if (!this.#isActive(pod)) return;
      try {
        return await this.#window.through(
          // What waited for its turn may be wanted no more.
          async () => (this.#isActive(pod) ? this.#pods.start(pod) : undefined),
          (error) =>
            error instanceof EngineError && error.code === 'unavailable'
              ? { retryAfterMs: error.retryAfterMs ?? 0 }
              : undefined,
        );
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const code = error instanceof EngineError ? error.code : undefined;
        if (code === 'invalid' || code === 'denied') return this.#lost(pod, { type: 'configuration', message });
        // A used-up quota is waited for as long as a node would be.
        if (code === 'exhausted') {
          const { why, fix } = error instanceof EngineError ? error : { why: message, fix: '' };
          this.#waits(pod.podName, pod, { phase: 'waiting', reason: why, fix });
        } else {
          faults += 1;
          if (faults > this.#settings.createRetries) return this.#lost(pod, { type: 'infrastructure', message });
        }
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
      }
    }
  }

  #observed({ podName: name, tenant, state, ...attempt }: PodObservation): void {
    if (state.phase === 'gone') this.#removed.delete(name);
    const run = this.#loop.driven(attempt.runId);
    if (run === undefined || !this.#isWanted(run, attempt)) {
      if (this.#timers.has(`linger/${name}`)) {
        if (state.phase === 'gone') this.#clear(`linger/${name}`);
        return;
      }
      // Whoever asked it to end, once is enough.
      if (state.phase !== 'gone' && state.phase !== 'leaving') void this.#remove(name, tenant).catch(this.#onError);
      return;
    }
    if (state.phase === 'waiting' || state.phase === 'running')
      this.#waits(name, attempt, state.phase === 'waiting' ? state : undefined);
    if (state.phase === 'leaving') {
      this.#disturbed.set(name, state.message);
      const leftMs = state.by.getTime() - this.#clock.now().getTime();
      const cause = failureOf(state, run, attempt);
      this.#after(`leaving/${name}`, leftMs + this.#settings.silenceMs, () => this.#lost(attempt, cause));
    }
    if (state.phase === 'ended') this.#silence(name, attempt, failureOf(state, run, attempt));
    if (state.phase === 'gone') {
      const message = this.#disturbed.get(name) ?? `The pod ${name} was deleted from outside`;
      this.#silence(name, attempt, { type: 'infrastructure', message });
    }
  }

  #waits(name: string, attempt: AttemptRef, waiting: Waiting | undefined): void {
    const before = this.#waiting.get(name);
    if (before?.reason === waiting?.reason) return;
    this.#clear(`patience/${name}`);
    if (waiting?.reason === undefined) this.#waiting.delete(name);
    else this.#waiting.set(name, { ...waiting, runId: attempt.runId, stage: attempt.stage, attempt: attempt.attempt });
    if (waiting?.patienceMs !== undefined)
      this.#after(`patience/${name}`, waiting.patienceMs, () =>
        this.#lost(attempt, this.#neverStarted(name), 'scheduled'),
      );
    this.#onWait(attempt.runId);
  }

  /** What a person can mend is told as that; trying it again would only wait as long once more. */
  #neverStarted(name: string): FailureCause {
    const { reason, fix } = this.#waiting.get(name) ?? {};
    const message = `The pod ${name} did not start${reason === undefined ? ` within ${this.#settings.pendingMs / 60_000} min` : `: ${reason}`}`;
    return fix === undefined
      ? { type: 'infrastructure', message }
      : { type: 'configuration', message: `${message}. ${fix}` };
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
    try {
      await this.#loop.send(attempt.runId, {
        type: 'RecordResult',
        stage: attempt.stage,
        attempt: attempt.attempt,
        result: {
          outcome: 'failed',
          cause,
          evidence: { excerpt: [], annotations: [] },
          durationMs: this.#clock.now().getTime() - since.getTime(),
          log: { lines: 0, bytes: 0, sha256: '', missing: 'what followed was lost with the agent' },
        },
      });
    } catch (error) {
      this.#onError(error);
      // The store is away, and nothing more may ever be seen of this pod: the run would wait for it for ever.
      this.#after(`lost/${state.podName}`, lostAgainMs, () => this.#lost(attempt, cause, onlyWhile));
    }
  }

  #forget(name: string): void {
    this.#asked.delete(name);
    this.#waiting.delete(name);
    this.#disturbed.delete(name);
    for (const kind of ['pending', 'patience', 'leaving', 'silence', 'lost']) this.#clear(`${kind}/${name}`);
  }

  async #remove(name: string, tenant: string): Promise<void> {
    this.#forget(name);
    if (this.#removed.has(name)) return;
    this.#removed.add(name);
    try {
      await this.#pods.stop({ tenant, podName: name }, { graceMs: this.#settings.stopGraceMs });
    } catch (error) {
      // It is asked again when it is seen again.
      this.#removed.delete(name);
      throw error;
    }
  }

  #clear(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
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
    lane: run.lane,
    pool: stage.pool ?? defaultPool,
    resources: { ...stage.resources, memoryBytes: memoryForAttempt(stage, run.failures[stage.name] ?? []) },
    timeoutMs: stage.timeoutMs,
  };
}
