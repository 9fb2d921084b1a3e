import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TokenSigner } from '../access/tokens.ts';
import type { EventRecorder } from '../controllers/events.ts';
import type { Logger } from '../log.ts';
import type { Pod } from '../objects/pod.ts';
import type { Objects } from '../store/objects.ts';
import type { KubeletParts } from './kubelet-parts.ts';
import { PodFolder } from './pod-folder.ts';
import { PodWorker } from './pod-worker.ts';
import { killMarked, processStart, signal } from './processes.ts';
import { ShimPool } from './shim-pool.ts';
import { containerMark } from './shim-protocol.ts';
import { Volumes } from './volumes.ts';

/** Runs the pods of the one node: a worker for each. */
export class Kubelet {
  readonly #folder: string;
  readonly #objects: Objects;
  readonly #parts: KubeletParts;
  readonly #workers = new Map<string, PodWorker>();
  readonly #log: Logger;
  #leave: (() => void) | undefined;

  constructor(options: {
    readonly folder: string;
    readonly objects: Objects;
    readonly signer: TokenSigner;
    readonly events: EventRecorder;
    readonly backoffMs: number;
    readonly log: Logger;
    readonly now: () => Date;
  }) {
    const { folder, objects, signer, events, backoffMs, log, now } = options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    this.#objects = objects;
    this.#log = log;
    this.#parts = {
      objects,
      volumes: new Volumes(objects, signer, now),
      shims: new ShimPool(),
      events,
      backoffMs,
      now,
      folderOf: (uid) => join(folder, uid),
      onGone: (uid) => this.#workers.delete(uid),
      onError: (error, pod) => log.error({ err: error, pod }, 'A pod could not be handled'),
    };
  }

  /** Takes over the pods that outlived the last process, ends those nobody knows any more, and starts the others. */
  start(): void {
    const pods = this.#objects.pods.list();
    const known = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const uid of readdirSync(this.#folder)) if (!known.has(uid)) this.#endForgotten(uid);
    for (const pod of pods) this.#begin(pod);
    this.#leave = this.#objects.pods.subscribe({
      changed: ({ type, object }) => {
        const worker = this.#workers.get(object.metadata.uid);
        if (worker === undefined && type !== 'DELETED') this.#begin(object);
        // After the write that is under way: a worker may write too.
        else if (worker !== undefined) queueMicrotask(() => worker.changed());
      },
    });
  }

  worker(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  /** Lets all pods go on by themselves. */
  detach(): void {
    this.#leave?.();
    for (const worker of this.#workers.values()) worker.detach();
    this.#workers.clear();
    this.#parts.shims.close();
  }

  #begin(pod: Pod): void {
    if (pod.spec.nodeName === undefined) return;
    const worker = new PodWorker(this.#parts, pod);
    this.#workers.set(pod.metadata.uid, worker);
    worker.start().catch((error: unknown) => this.#parts.onError(error, pod.metadata.name));
  }

  /** A pod that was deleted without grace while this process was about to be killed. */
  #endForgotten(uid: string): void {
    const folder = new PodFolder(join(this.#folder, uid));
    const handed = folder.handed();
    if (handed !== undefined && processStart(handed.pid) === handed.pidStart) signal(handed.pid, 'SIGKILL');
    const isClean = killMarked(`${containerMark}=${uid}/`);
    this.#log.warn({ uid, isClean }, 'Ended the processes of a pod that is no longer known');
    rmSync(folder.path, { recursive: true, force: true, maxRetries: 3 });
  }
}
