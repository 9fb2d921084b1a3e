import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControllerSettings, type Fact, factSchema, toldSchema } from './controller.ts';

const program = join(import.meta.dirname, 'controller.ts');
const readyWithinMs = 60_000;

/** A controller in a process of its own: watched, weighed, and killed like any other. */
export class Replica {
  readonly #settings: ControllerSettings;
  readonly #onFact: (fact: Fact) => void;
  readonly #onLog: (line: unknown) => void;
  #process: ChildProcess | undefined;
  #ready: Promise<string> = Promise.reject(new Error('It was never started'));

  constructor(
    settings: ControllerSettings,
    onFact: (fact: Fact) => void,
    onLog: (line: unknown) => void = () => undefined,
  ) {
    this.#settings = settings;
    this.#onFact = onFact;
    this.#onLog = onLog;
    this.#ready.catch(() => undefined);
  }

  /** Starts the process; `ready()` tells when it works. */
  start(): void {
    const file = join(this.#settings.dataDir, `${this.#settings.replica}.json`);
    writeFileSync(file, JSON.stringify(this.#settings));
    // As the launcher starts Slipway, with the cache that its image has.
    const child = fork(program, [file], {
      execArgv: ['--max-semi-space-size=4', ...(process.env['BENCH_CONTROLLER_FLAGS']?.split(' ') ?? [])],
      env: { ...process.env, NODE_COMPILE_CACHE: join(this.#settings.dataDir, 'compile-cache') },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process = child;
    this.#ready = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('The controller did not get ready')), readyWithinMs);
      child.on('message', (message) => {
        const told = toldSchema.parse(message);
        if (told.type === 'ready') {
          clearTimeout(timer);
          resolve(told.url);
        } else if (told.type === 'log') this.#onLog(told.line);
        else for (const fact of told.facts) this.#onFact(factSchema.parse(fact));
      });
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`The controller ended with exit code ${String(code)}`));
      });
    });
    this.#ready.catch(() => undefined);
  }

  /** Resolves to its URL. */
  ready(): Promise<string> {
    return this.#ready;
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** Resident memory now and at most so far, in bytes. */
  memory(): { readonly rss: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1_024;
    return { rss: bytes('VmRSS'), peak: bytes('VmHWM') };
  }

  openHandles(): number {
    return readdirSync(`/proc/${this.#pid}/fd`).length;
  }

  /** Processor time used so far, in seconds. */
  cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  get #pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('The controller does not run');
    return pid;
  }
}
