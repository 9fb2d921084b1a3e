import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionFile, connectionSchema } from '../../app/cli/client.ts';

export const program = join(import.meta.dirname, '..', '..', 'app', 'cli', 'slipway.ts');
const readyWithinMs = 30_000;

/** `slipway start` as a process of its own, which a test kills and starts again over the same state. */
export class KillableSlipway {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'slipway-kill-'));
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;

  /** @param environment settings beside those of this process */
  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.#environment = environment;
  }

  /** Starts it; resolves once it is ready. */
  async start(): Promise<void> {
    rmSync(connectionFile(this.dataDir), { force: true });
    const child = spawn(process.execPath, [program, 'start', '--no-tour', '--data', this.dataDir, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#environment, ...this.environment() },
    });
    let said = '';
    child.stdout.on('data', () => undefined);
    child.stderr.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-4_000);
    });
    this.#child = child;
    const deadline = Date.now() + readyWithinMs;
    while (!existsSync(connectionFile(this.dataDir))) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`Slipway did not start: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** What another kind of it needs besides. */
  protected environment(): Readonly<Record<string, string>> {
    return {};
  }

  /** Sends SIGSTOP or SIGCONT. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Asks the API of the one that runs now. */
  async get(path: string): Promise<unknown> {
    const { url, token } = connectionSchema.parse(JSON.parse(readFileSync(connectionFile(this.dataDir), 'utf8')));
    const response = await fetch(`${url}/api${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return response.json();
  }

  /** Ends it and all its pods. @param last is done before its folder goes */
  async close(last: () => Promise<void> = async () => undefined): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
    await last();
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}
