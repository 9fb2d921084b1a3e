import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../app/embedded/free-port.ts';

const installer = join(import.meta.dirname, '..', '..', '..', 'shared', 'tools', 'install');

/** Why the independent MongoDB-wire server cannot be used here; undefined when it can. */
export const documentdbMissing = existsSync(installer) ? undefined : 'the test tools are not beside this checkout';

/** The independent MongoDB-wire server, on a port of its own. */
export interface Documentdb {
  readonly uri: string;
  readonly port: number;
  kill(): Promise<void>;
  /** SIGSTOP: its connections stand, and nothing is answered until SIGCONT. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** Starts it again, over what it kept. */
  start(): void;
  /** Ends it and removes what it kept. */
  stop(): void;
}

export async function startDocumentdb(options: { readonly host?: string } = {}): Promise<Documentdb> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-documentdb-'));
  execFileSync(installer, [folder, 'documentdb'], { stdio: 'ignore' });
  mkdirSync(join(folder, 'data'));
  const port = await freePort();
  const address = `${options.host ?? '127.0.0.1'}:${port}`;
  const spawned = () => spawn(join(folder, 'documentdb'), [address, join(folder, 'data')], { stdio: 'ignore' });
  let child: ChildProcess = spawned();
  return {
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true`,
    port,
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    signal: (name) => void child.kill(name),
    start() {
      child = spawned();
    },
    stop() {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
