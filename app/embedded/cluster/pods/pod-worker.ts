import { type FSWatcher, watch } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dropFinalizer } from '../api/deletion.ts';
import type { Container, Pod } from '../objects/pod.ts';
import { ContainerProbes } from './container-probes.ts';
import { diskExcess, hasDiskLimit } from './disk-limit.ts';
import { localContainer } from './environment.ts';
import type { KubeletParts } from './kubelet-parts.ts';
import { PodFault } from './pod-fault.ts';
import { type Handed, PodFolder, type PodState } from './pod-folder.ts';
import { podStatus } from './pod-status.ts';
import { chooseLocalPorts, localPortsAnnotation, localPortsOf, printLocalPorts, resolvePort } from './ports.ts';
import { killMarked, processStart, signal } from './processes.ts';
import { isFullDisk } from './shim-log.ts';
import { containerMark, type ShimContainer, type StopRequest } from './shim-protocol.ts';
import { mountPathsOf } from './volumes.ts';

const pollMs = 1_000;
/** Between two looks at what a pod wrote; longer where looking itself takes long. */
const diskLookMs = 5_000;
const diskRestPerLook = 20;
const retryMs = 1_000;
/** How long after the grace period a shim may still take before it is killed with all of the pod. */
const shimGraceMs = 3_000;

/** Brings one pod from its object to running processes and back, and tells its status. */
export class PodWorker {
  readonly #parts: KubeletParts;
  readonly #folder: PodFolder;
  readonly #namespace: string;
  readonly #name: string;
  readonly #uid: string;
  readonly #probes = new Map<string, { readonly run: number; readonly probes: ContainerProbes }>();
  #state: PodState | undefined;
  #fault: PodFault | undefined;
  #isHanded = false;
  #isStarting = false;
  #isLost = false;
  #evictedFor: string | undefined;
  #isDone = false;
  #stopAtMs: number | undefined;
  #watcher: FSWatcher | undefined;
  #timers = new Set<NodeJS.Timeout>();
  #poll: NodeJS.Timeout | undefined;

  constructor(parts: KubeletParts, pod: Pod) {
    this.#parts = parts;
    this.#namespace = pod.metadata.namespace ?? '';
    this.#name = pod.metadata.name;
    this.#uid = pod.metadata.uid;
    this.#folder = new PodFolder(parts.folderOf(this.#uid));
  }

  get folder(): PodFolder {
    return this.#folder;
  }

  get state(): PodState | undefined {
    return this.#state;
  }

  /** The pod's processes are all gone, and its status says how they ended. */
  get isEnded(): boolean {
    return this.#isLost || this.#state?.ended !== undefined;
  }

  /** Starts the pod, or takes over what an earlier process of the cluster started. */
  async start(): Promise<void> {
    await mkdir(this.#folder.path, { recursive: true, mode: 0o700 });
    this.#watcher = watch(this.#folder.path, (_event, file) => {
      if (file === null || file === 'state.json') this.#read();
    });
    this.#watcher.on('error', (error) => this.#parts.onError(error, this.#name));
    this.#poll = setInterval(() => this.#read(), pollMs);
    this.#poll.unref();
    this.#isHanded = this.#folder.handed() !== undefined;
    this.#evictedFor = this.#folder.stop()?.evictedFor;
    this.#read();
    this.changed();
    if (this.#evictedFor !== undefined) this.#evict(this.#evictedFor);
    this.#renewTokens();
    this.#watchDisk(diskLookMs);
    if (!this.#isHanded) await this.#begin();
  }

  /** The object changed: it may be about to go. */
  changed(): void {
    const pod = this.#pod();
    if (pod === undefined) this.#stop(0);
    else if (pod.metadata.deletionTimestamp !== undefined)
      this.#stop((pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000);
  }

  /** Leaves the pod as it is; its shim goes on without this process. */
  detach(): void {
    this.#isDone = true;
    this.#watcher?.close();
    clearInterval(this.#poll);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const { probes } of this.#probes.values()) probes.stop();
  }

  #pod(): Pod | undefined {
    const pod = this.#parts.objects.pods.find(this.#namespace, this.#name);
    return pod?.metadata.uid === this.#uid ? pod : undefined;
  }

  async #begin(): Promise<void> {
    const pod = this.#pod();
    if (pod === undefined || this.#isStarting || this.#isDone || this.#stopAtMs !== undefined) return;
    this.#isStarting = true;
    try {
      await this.#parts.volumes.prepare(pod, this.#folder);
      const withPorts = await this.#givePorts(pod);
      // Read again: the pod may have been deleted while its volumes were made.
      if (withPorts === undefined || this.#isDone || this.#stopAtMs !== undefined) return;
      this.#handOver(withPorts);
    } catch (error) {
      const fault = isFullDisk(error) ? new PodFault('FailedMount', 'no space left on device') : error;
      if (!(fault instanceof PodFault)) throw error;
      if (this.#fault?.message !== fault.message) this.#record('Warning', fault.reason, fault.message);
      this.#fault = fault;
      this.#publish();
      this.#later(retryMs, () => this.#begin());
    } finally {
      this.#isStarting = false;
    }
  }

  async #givePorts(pod: Pod): Promise<Pod | undefined> {
    const isNeeded = pod.spec.containers.some(({ ports = [] }) => ports.length > 0);
    if (!isNeeded || localPortsOf(pod).size > 0) return this.#pod();
    const { objects } = this.#parts;
    const taken = new Set(objects.pods.list().flatMap((other) => [...localPortsOf(other).values()]));
    const ports = await chooseLocalPorts(pod, taken);
    const present = this.#pod();
    if (present === undefined) return undefined;
    const annotations = { ...present.metadata.annotations, [localPortsAnnotation]: printLocalPorts(ports) };
    return objects.pods.replace({ ...present, metadata: { ...present.metadata, annotations } });
  }

  #handOver(pod: Pod): void {
    const { spec } = pod;
    const initContainers = (spec.initContainers ?? []).map((container) => this.#local(pod, container));
    const containers = spec.containers.map((container) => this.#local(pod, container));
    const startedAtMs = Date.parse(pod.status.startTime ?? '') || this.#parts.now().getTime();
    this.#parts.shims.start(
      {
        uid: this.#uid,
        folder: this.#folder.path,
        restartPolicy: spec.restartPolicy,
        gracePeriodMs: spec.terminationGracePeriodSeconds * 1000,
        backoffMs: this.#parts.backoffMs,
        ...(spec.activeDeadlineSeconds === undefined
          ? {}
          : { deadlineMs: startedAtMs + spec.activeDeadlineSeconds * 1000 }),
        initContainers,
        containers,
      },
      this.#folder,
      () => this.#read(),
    );
    this.#fault = undefined;
    this.#isHanded = true;
  }

  #local(pod: Pod, container: Container): ShimContainer {
    const { objects } = this.#parts;
    const paths = mountPathsOf(container, this.#folder);
    return localContainer({ pod, container, folder: this.#folder, paths, ports: localPortsOf(pod), objects });
  }

  /** Reads what the shim tells, finds out whether it lives, and publishes the status. */
  #read(): void {
    if (this.#isDone || this.isEnded) return;
    try {
      this.#state = this.#folder.state() ?? this.#state;
      const handed = this.#state ?? this.#folder.handed();
      const isGone = handed !== undefined && processStart(handed.pid) !== handed.pidStart;
      // The last word may have come between reading and looking for the process.
      if (isGone) this.#state = this.#folder.state() ?? this.#state;
      if (isGone && this.#state?.ended === undefined) {
        killMarked(`${containerMark}=${this.#uid}/`);
        this.#isLost = true;
      }
      this.#followProbes();
      this.#publish();
    } catch (error) {
      this.#parts.onError(error, this.#name);
    }
  }

  #followProbes(): void {
    const pod = this.#pod();
    for (const state of this.#state?.containers ?? []) {
      const { name, now } = state;
      const known = this.#probes.get(name);
      const isRunning = now.phase === 'running' && !this.isEnded && this.#stopAtMs === undefined;
      if (isRunning && known?.run === now.pid) continue;
      known?.probes.stop();
      this.#probes.delete(name);
      const container = pod?.spec.containers.find((each) => each.name === name);
      if (!isRunning || pod === undefined || container === undefined) continue;
      this.#probes.set(name, { run: now.pid, probes: this.#probesOf(pod, container, now, state.restarts) });
      if (known === undefined && pod.status.phase === 'Pending')
        this.#record('Normal', 'Started', `Started container ${name}`);
    }
  }

  #probesOf(
    pod: Pod,
    container: Container,
    now: { readonly pid: number; readonly pidStart: string },
    restarts: number,
  ): ContainerProbes {
    const { name } = container;
    const before = pod.status.containerStatuses?.find((status) => status.name === name);
    const isReady = before?.ready === true && before['containerID'] === `local://${now.pid}`;
    const target = {
      port: (port: number | string) => resolvePort(this.#pod() ?? pod, port, [container]),
      container:
        container.readinessProbe?.exec || container.livenessProbe?.exec || container.startupProbe?.exec
          ? this.#local(pod, container)
          : { name, argv: [], workingFolder: '/', environment: {}, tellsOutput: false },
      mark: `${this.#uid}/${name}/${restarts}`,
    };
    return new ContainerProbes(
      container,
      target,
      {
        changed: () => this.#publish(),
        unhealthy: (kind, why) => this.#record('Warning', 'Unhealthy', `${kind} probe failed: ${why}`),
        failed: (kind) => {
          this.#record('Normal', 'Killing', `Container ${name} failed ${kind.toLowerCase()} probe, will be restarted`);
          this.#killContainer(pod, now, target.mark);
        },
      },
      { isReady },
    );
  }

  #killContainer(pod: Pod, { pid, pidStart }: { readonly pid: number; readonly pidStart: string }, mark: string): void {
    if (processStart(pid) !== pidStart) return;
    signal(pid, 'SIGTERM');
    this.#later(pod.spec.terminationGracePeriodSeconds * 1000, async () => {
      if (processStart(pid) === pidStart) killMarked(`${containerMark}=${mark}\0`, [pid]);
    });
  }

  #publish(): void {
    const pod = this.#pod();
    if (pod === undefined) {
      this.#finishIfEnded(undefined);
      return;
    }
    const probes = new Map(
      [...this.#probes].map(([name, { probes: own }]) => [name, { isStarted: own.isStarted, isReady: own.isReady }]),
    );
    const status = podStatus(pod, {
      state: this.#state,
      fault: this.#fault,
      isLost: this.#isLost,
      evictedFor: this.#evictedFor,
      probes,
      now: this.#parts.now(),
    });
    this.#parts.objects.pods.replace({ ...pod, status });
    this.#finishIfEnded(this.#pod());
  }

  /** Ends the pod's processes; asked again, the shorter time counts. */
  #stop(gracePeriodMs: number): void {
    const nowMs = this.#parts.now().getTime();
    if (this.#isDone || (this.#stopAtMs !== undefined && nowMs + gracePeriodMs >= this.#stopAtMs)) {
      this.#finishIfEnded(this.#pod());
      return;
    }
    const isFirst = this.#stopAtMs === undefined;
    this.#stopAtMs = nowMs + gracePeriodMs;
    for (const { probes } of this.#probes.values()) probes.stop();
    const handed = this.#folder.handed();
    if (handed === undefined || this.isEnded) {
      this.#finishIfEnded(this.#pod());
      return;
    }
    if (isFirst) this.#record('Normal', 'Killing', 'Stopping the pod');
    this.#endProcesses(handed, { gracePeriodMs });
  }

  /** Its shim is asked to end it; should it not, all of it is killed. */
  #endProcesses(handed: Handed, request: StopRequest): void {
    try {
      this.#folder.writeStop(request);
    } catch (error) {
      // On a full disk it ends by its own grace period.
      this.#parts.onError(error, this.#name);
    }
    if (processStart(handed.pid) === handed.pidStart) signal(handed.pid, 'SIGTERM');
    this.#later(request.gracePeriodMs + shimGraceMs, async () => {
      if (this.isEnded) return;
      if (processStart(handed.pid) === handed.pidStart) signal(handed.pid, 'SIGKILL');
      killMarked(`${containerMark}=${this.#uid}/`);
      this.#later(50, async () => this.#read());
    });
  }

  #watchDisk(delayMs: number): void {
    const pod = this.#pod();
    if (pod === undefined || !hasDiskLimit(pod, this.#folder)) return;
    this.#later(delayMs, async () => {
      if (this.isEnded || this.#stopAtMs !== undefined || this.#evictedFor !== undefined) return;
      const begin = performance.now();
      const excess = this.#isHanded ? await diskExcess(pod, this.#folder) : undefined;
      if (excess === undefined) this.#watchDisk(Math.max(diskLookMs, diskRestPerLook * (performance.now() - begin)));
      else this.#evict(excess);
    });
  }

  /** Puts the pod out for what it did to its node, without grace: it goes on doing it meanwhile. */
  #evict(evictedFor: string): void {
    const handed = this.#folder.handed();
    if (this.#isDone || this.isEnded || this.#stopAtMs !== undefined || handed === undefined) return;
    this.#evictedFor = evictedFor;
    for (const { probes } of this.#probes.values()) probes.stop();
    this.#record('Warning', 'Evicted', evictedFor);
    // Told before its containers end, so that nobody takes their end for the reason.
    this.#publish();
    this.#endProcesses(handed, { gracePeriodMs: 0, evictedFor });
  }

  /** A pod that is to go goes once its processes have; without them at once. */
  #finishIfEnded(pod: Pod | undefined): void {
    const isOver = this.isEnded || !this.#isHanded;
    if (this.#stopAtMs === undefined || !isOver || this.#isDone || this.#isStarting) {
      if (this.#stopAtMs !== undefined && isOver && this.#isStarting)
        this.#later(10, async () => this.#finishIfEnded(this.#pod()));
      return;
    }
    const { pods } = this.#parts.objects;
    if (pod !== undefined) {
      // With a grace period of 0 the object goes now, or with its last finalizer.
      const current = pods.replace({ ...pod, metadata: { ...pod.metadata, deletionGracePeriodSeconds: 0 } });
      if ((current.metadata.finalizers ?? []).length > 0) return;
      dropFinalizer(pods, current, '');
    }
    this.detach();
    void rm(this.#folder.path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
      this.#parts.onError(error, this.#name),
    );
    this.#parts.onGone(this.#uid);
  }

  #renewTokens(): void {
    const pod = this.#pod();
    const renewAfterMs = pod === undefined ? undefined : this.#parts.volumes.renewAfterMs(pod);
    if (renewAfterMs === undefined) return;
    this.#later(Math.min(renewAfterMs, 2 ** 31 - 1), async () => {
      const present = this.#pod();
      if (present !== undefined && !this.isEnded && this.#isHanded)
        await this.#parts.volumes.prepare(present, this.#folder);
      this.#renewTokens();
    });
  }

  #record(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const pod = this.#pod();
    if (pod !== undefined) this.#parts.events.record(pod, type, reason, message);
  }

  #later(delayMs: number, act: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isDone) act().catch((error: unknown) => this.#parts.onError(error, this.#name));
    }, delayMs);
    timer.unref();
    this.#timers.add(timer);
  }
}
