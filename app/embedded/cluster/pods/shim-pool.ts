import { type ChildProcess, spawn } from 'node:child_process';
import { extname, join } from 'node:path';
import type { PodFolder } from './pod-folder.ts';
import { processStart } from './processes.ts';
import type { ShimSpec } from './shim-protocol.ts';

/** Starts shims, and keeps one ready: Node takes longer to start than a container may. */
export class ShimPool {
  #reserve: ChildProcess | undefined;
  #isClosed = false;

  constructor() {
    this.#reserve = spawnShim();
  }

  /** Hands a pod to a shim. @param onExit called when the shim's process ends while this process lives */
  start(spec: ShimSpec, folder: PodFolder, onExit: () => void): void {
    const ready = this.#reserve;
    const shim = ready !== undefined && ready.exitCode === null && ready.signalCode === null ? ready : spawnShim();
    this.#reserve = undefined;
    const { pid } = shim;
    if (pid === undefined) throw new Error('The process beside the pod could not be started: too many processes?');
    shim.once('exit', onExit);
    try {
      folder.writeHanded({ pid, pidStart: processStart(pid) ?? '' });
    } catch (error) {
      // What is not on disk is not handed over: without a spec the shim ends by itself.
      shim.off('exit', onExit);
      shim.stdin?.end();
      throw error;
    }
    shim.stdin?.on('error', () => onExit());
    shim.stdin?.end(JSON.stringify(spec));
    // Not now: first the pod starts.
    if (!this.#isClosed) setTimeout(() => this.#refill(), 20).unref();
  }

  close(): void {
    this.#isClosed = true;
    this.#reserve?.stdin?.end();
    this.#reserve = undefined;
  }

  #refill(): void {
    if (this.#isClosed) return;
    this.#reserve ??= spawnShim();
  }
}

function spawnShim(): ChildProcess {
  const file = join(import.meta.dirname, `shim${extname(import.meta.filename)}`);
  const child = spawn(process.execPath, ['--max-semi-space-size=1', '--disable-warning=ExperimentalWarning', file], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Without a process there is no 'exit' either; `start` sees the missing pid.
  child.on('error', () => undefined);
  child.unref();
  return child;
}
