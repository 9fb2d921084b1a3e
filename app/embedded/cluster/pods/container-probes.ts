import type { Container, Probe } from '../objects/pod.ts';
import { type ProbeTarget, runProbe } from './probe.ts';

type Kind = 'Startup' | 'Readiness' | 'Liveness';

/** What happens when a probe changes its mind. */
export interface ProbeEvents {
  changed(): void;
  unhealthy(kind: Kind, why: string): void;
  /** The container must be killed; it is started again as the restart policy says. */
  failed(kind: 'Startup' | 'Liveness', why: string): void;
}

/** The probes of one run of one container: startup first, then readiness and liveness. */
export class ContainerProbes {
  readonly #container: Container;
  readonly #target: ProbeTarget;
  readonly #events: ProbeEvents;
  readonly #timers = new Set<NodeJS.Timeout>();
  #isStopped = false;
  #isStarted: boolean;
  #isReady: boolean;

  /** @param initial what was true before this process started, for a container that outlived the last one */
  constructor(container: Container, target: ProbeTarget, events: ProbeEvents, initial: { readonly isReady: boolean }) {
    this.#container = container;
    this.#target = target;
    this.#events = events;
    this.#isStarted = container.startupProbe === undefined || initial.isReady;
    this.#isReady = container.readinessProbe === undefined ? this.#isStarted : initial.isReady;
    if (this.#isStarted) this.#startOthers();
    else if (container.startupProbe !== undefined) this.#startStartup(container.startupProbe);
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  get isReady(): boolean {
    return this.#isStarted && this.#isReady;
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #startStartup(probe: Probe): void {
    this.#repeat('Startup', probe, (is, why) => {
      if (!is) {
        this.#events.failed('Startup', why);
        return 'stop';
      }
      this.#isStarted = true;
      this.#isReady = this.#container.readinessProbe === undefined;
      this.#events.changed();
      this.#startOthers();
      return 'stop';
    });
  }

  #startOthers(): void {
    const { readinessProbe, livenessProbe } = this.#container;
    if (readinessProbe !== undefined) {
      this.#repeat('Readiness', readinessProbe, (is) => {
        if (is !== this.#isReady) {
          this.#isReady = is;
          this.#events.changed();
        }
        return 'go on';
      });
    }
    if (livenessProbe !== undefined) {
      this.#repeat('Liveness', livenessProbe, (is, why) => {
        if (is) return 'go on';
        this.#events.failed('Liveness', why);
        return 'stop';
      });
    }
  }

  /** Probes again and again; tells a verdict each time a threshold is reached. */
  #repeat(kind: Kind, probe: Probe, onVerdict: (is: boolean, why: string) => 'stop' | 'go on'): void {
    let passed = 0;
    let failed = 0;
    const once = async (): Promise<void> => {
      const why = await runProbe(probe, this.#target);
      if (this.#isStopped) return;
      passed = why === undefined ? passed + 1 : 0;
      failed = why === undefined ? 0 : failed + 1;
      if (why !== undefined) this.#events.unhealthy(kind, why);
      const isPassed = passed >= probe.successThreshold;
      const isFailed = failed >= probe.failureThreshold;
      const next = isPassed || isFailed ? onVerdict(isPassed, why ?? '') : undefined;
      if (next !== 'stop' && !this.#isStopped) this.#later(once, probe.periodSeconds * 1000);
    };
    this.#later(once, (probe.initialDelaySeconds ?? 0) * 1000);
  }

  #later(act: () => Promise<void>, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void act();
    }, delayMs);
    timer.unref();
    this.#timers.add(timer);
  }
}
