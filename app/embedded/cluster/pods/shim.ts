import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { killMarked, markedProcesses, processStart, signal } from './processes.ts';
import { runContainer } from './shim-container.ts';
import { isFullDisk } from './shim-log.ts';
import {
  type ContainerEnd,
  type ContainerPhase,
  containerMark,
  type ShimContainer,
  type ShimContainerState,
  type ShimSpec,
  type ShimState,
} from './shim-protocol.ts';

/**
 * The process beside a pod's containers. It starts and restarts them, keeps their output and their end on disk, and
 * ends with them; the cluster may come and go meanwhile. It waits for its spec on standard input, so that one can be
 * held ready; when the input ends without a spec it was not needed.
 */

type Cause = NonNullable<ShimState['ended']>['cause'];
const saveAgainMs = 500;
const maximalBackoffMs = 300_000;
const backoffResetMs = 600_000;

class Shim {
  readonly #spec: ShimSpec;
  readonly #states = new Map<string, ShimContainerState>();
  readonly #running = new Map<string, number>();
  readonly #startedAtMs = Date.now();
  readonly #pidStart = processStart(process.pid) ?? '';
  #cause: Cause | undefined;
  #wake: (() => void)[] = [];
  #killTimer: NodeJS.Timeout | undefined;
  #ended: ShimState['ended'];
  #saveTimer: NodeJS.Timeout | undefined;

  constructor(spec: ShimSpec) {
    this.#spec = spec;
    for (const { name } of [...spec.initContainers, ...spec.containers]) {
      const reason = spec.initContainers.length > 0 ? 'PodInitializing' : 'ContainerCreating';
      this.#states.set(name, { name, restarts: 0, now: { phase: 'waiting', reason } });
    }
  }

  async run(): Promise<void> {
    const { initContainers, containers, deadlineMs } = this.#spec;
    process.on('SIGTERM', () => this.#stop('stopped'));
    if (deadlineMs !== undefined) this.#atDeadline(deadlineMs);
    this.#save();
    const isInitialized = await this.#initialize(initContainers);
    if (isInitialized) await Promise.all(containers.map((container) => this.#keepRunning(container)));
    clearTimeout(this.#killTimer);
    killMarked(`${containerMark}=${this.#spec.uid}/`);
    this.#ended = { atMs: Date.now(), cause: this.#cause ?? 'finished' };
    // A full disk takes nothing: how it ended is told once there is room.
    while (!this.#save()) await new Promise((resolve) => setTimeout(resolve, saveAgainMs));
  }

  async #initialize(containers: readonly ShimContainer[]): Promise<boolean> {
    for (const container of containers) {
      const end = await this.#keepRunning(container, 'until-success');
      if (end?.exitCode !== 0) return false;
    }
    return this.#cause === undefined;
  }

  /** Runs a container again and again as the restart policy says. @returns its last end */
  async #keepRunning(container: ShimContainer, goal?: 'until-success'): Promise<ContainerEnd | undefined> {
    const { restartPolicy, backoffMs } = this.#spec;
    let delayMs = 0;
    for (let restarts = 0; this.#cause === undefined; restarts += 1) {
      const end = await this.#runOnce(container, restarts);
      const isOver =
        end.exitCode === 0 ? goal === 'until-success' || restartPolicy !== 'Always' : restartPolicy === 'Never';
      if (isOver || this.#cause !== undefined) return end;
      if (end.finishedAtMs - end.startedAtMs > backoffResetMs) delayMs = 0;
      if (delayMs > 0) {
        this.#set(container.name, { phase: 'backoff', untilMs: Date.now() + delayMs }, { last: end });
        await this.#sleep(delayMs);
        if (this.#cause !== undefined) this.#set(container.name, { phase: 'ended', ...end });
      }
      delayMs = delayMs === 0 ? backoffMs : Math.min(delayMs * 2, maximalBackoffMs);
    }
    return undefined;
  }

  async #runOnce(container: ShimContainer, restarts: number): Promise<ContainerEnd> {
    const { name } = container;
    const before = this.#states.get(name)?.now;
    const last = before?.phase === 'ended' ? before : this.#states.get(name)?.last;
    const end = await runContainer(container, {
      mark: `${this.#spec.uid}/${name}/${restarts}`,
      logFile: join(this.#spec.folder, 'logs', name, `${restarts}.log`),
      onStarted: (running) => {
        this.#running.set(name, running.pid);
        this.#set(name, { phase: 'running', ...running }, { restarts, ...(last === undefined ? {} : { last }) });
        if (this.#cause !== undefined) signal(running.pid, 'SIGTERM');
      },
    });
    this.#running.delete(name);
    this.#set(name, { phase: 'ended', ...end }, { restarts, ...(last === undefined ? {} : { last }) });
    return end;
  }

  #atDeadline(deadlineMs: number): void {
    // Timers hold at most 24 days, so a far deadline is approached in steps.
    const leftMs = Math.min(deadlineMs - Date.now(), 2 ** 31 - 1);
    const timer = setTimeout(
      () => (Date.now() >= deadlineMs ? this.#stop('deadline') : this.#atDeadline(deadlineMs)),
      Math.max(0, leftMs),
    );
    timer.unref();
  }

  /** Asks the containers to end, and kills all that is left after the grace period; asked again, it may be shorter. */
  #stop(cause: Cause): void {
    this.#cause ??= cause;
    const graceMs = this.#gracePeriodMs();
    for (const pid of this.#running.values()) signal(pid, 'SIGTERM');
    for (const wake of this.#wake.splice(0)) wake();
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.#killAll(), graceMs);
  }

  #killAll(): void {
    killMarked(`${containerMark}=${this.#spec.uid}/`, [...this.#running.values()]);
    const isLeft = this.#running.size > 0 && markedProcesses(`${containerMark}=${this.#spec.uid}/`).length > 0;
    if (isLeft) this.#killTimer = setTimeout(() => this.#killAll(), 100);
  }

  #gracePeriodMs(): number {
    try {
      const request: unknown = JSON.parse(readFileSync(join(this.#spec.folder, 'stop.json'), 'utf8'));
      const isRequest = typeof request === 'object' && request !== null && 'gracePeriodMs' in request;
      if (isRequest && typeof request.gracePeriodMs === 'number') return request.gracePeriodMs;
    } catch {
      // None was written: the pod's own grace period holds.
    }
    return this.#spec.gracePeriodMs;
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #set(name: string, now: ContainerPhase, changes: Partial<Pick<ShimContainerState, 'restarts' | 'last'>> = {}): void {
    const before = this.#states.get(name);
    this.#states.set(name, { restarts: 0, ...before, ...changes, name, now });
    this.#save();
  }

  /** @returns whether it is on disk; it is tried again where it is not */
  #save(): boolean {
    clearTimeout(this.#saveTimer);
    try {
      this.#write();
      return true;
    } catch (error) {
      // Without its folder the pod is nobody's any more.
      if (!isFullDisk(error)) throw error;
      this.#saveTimer = setTimeout(() => this.#save(), saveAgainMs);
      return false;
    }
  }

  #write(): void {
    const pick = (list: readonly ShimContainer[]): ShimContainerState[] =>
      list.flatMap(({ name }) => this.#states.get(name) ?? []);
    const state: ShimState = {
      pid: process.pid,
      pidStart: this.#pidStart,
      startedAtMs: this.#startedAtMs,
      initContainers: pick(this.#spec.initContainers),
      containers: pick(this.#spec.containers),
      ...(this.#ended === undefined ? {} : { ended: this.#ended }),
    };
    const file = join(this.#spec.folder, 'state.json');
    writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}

let input = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  input += String(chunk);
});
process.stdin.on('end', () => {
  if (input === '') return;
  const spec: ShimSpec = JSON.parse(input);
  input = '';
  // Whoever started this process may be gone: what fails from here on can only be told by the exit code.
  void new Shim(spec).run().then(
    () => process.exit(0),
    () => process.exit(70),
  );
});
