import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { ControllerSettings } from './controller-process.ts';

const program = join(import.meta.dirname, 'controller-process.ts');
const restartMs = 300;
const readyWithinMs = 60_000;
const askWithinMs = 10_000;

/** A controller as a process, started again whenever it ends by itself, as a kubelet would. */
export class Replica {
  readonly settings: ControllerSettings;
  /** How it ended each time that nobody killed it: its exit code, or the signal. */
  readonly ownEnds: (number | string)[] = [];
  #environment: Readonly<Record<string, string>> = {};
  #child: ChildProcess | undefined;
  #isWanted = false;

  constructor(settings: ControllerSettings) {
    this.settings = settings;
  }

  /** @param environment beside that of this process */
  start(environment: Readonly<Record<string, string>> = {}): void {
    this.#environment = environment;
    this.#isWanted = true;
    this.#spawn();
  }

  #spawn(): void {
    const log = openSync(join(this.settings.dataDir, `${this.settings.replica}.log`), 'a');
    const child = spawn(process.execPath, [program, JSON.stringify(this.settings)], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.#environment },
    });
    this.#child = child;
    child.once('exit', (code, signal) => {
      if (!this.#isWanted || this.#child !== child) return;
      this.ownEnds.push(code ?? signal ?? 'unknown');
      setTimeout(() => {
        if (this.#isWanted && this.#child === child) this.#spawn();
      }, restartMs);
    });
  }

  get isUp(): boolean {
    return this.#isWanted;
  }

  /** kill -9; it stays down until it is started. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  /** Resolves once it leads, or stands by for one that does. */
  async ready(): Promise<void> {
    const deadline = Date.now() + readyWithinMs;
    while (!(await this.#isReady())) {
      if (Date.now() > deadline) throw new Error(`${this.settings.replica} is not ready; see its log`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #isReady(): Promise<boolean> {
    return this.#ask('/readyz').then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** What its API says; undefined while it does not lead, or is away. */
  async get(path: string): Promise<{ json(): Promise<unknown>; text(): Promise<string> } | undefined> {
    const response = await this.#ask(`/api${path}`).catch(() => undefined);
    return response?.ok === true ? response : undefined;
  }

  /** What its API says to that, without a body. */
  async post(path: string): Promise<unknown> {
    return (await this.#ask(`/api${path}`, 'POST')).json();
  }

  #ask(path: string, method: 'GET' | 'POST' = 'GET'): Promise<Response> {
    const { host, webhookPort, apiToken } = this.settings;
    return fetch(`http://${host}:${webhookPort}${path}`, {
      method,
      headers: { authorization: `Bearer ${apiToken}` },
      signal: AbortSignal.timeout(askWithinMs),
    });
  }
}
