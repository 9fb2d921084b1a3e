import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const packed = join(import.meta.dirname, '..', '..', '..', '..', '..', 'shared', 'kube', 'bin', 'kubebox.zst');

/** Why kubectl cannot be used here; undefined when it can. */
export const kubectlMissing = !existsSync(packed)
  ? 'the test cluster with its kubectl is not beside this checkout'
  : hasZstd()
    ? undefined
    : 'zstd, which unpacks kubectl, is not installed';

/** The real kubectl against a cluster. */
export class Kubectl {
  readonly #binary: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(folder: string, kubeconfig: string) {
    const box = join(folder, 'kubebox');
    execFileSync('zstd', ['--quiet', '--decompress', packed, '-o', box]);
    execFileSync('chmod', ['+x', box]);
    // One binary that acts by the name it is called by.
    this.#binary = join(folder, 'kubectl');
    symlinkSync(box, this.#binary);
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, kubeconfig, { mode: 0o600 });
    this.#environment = { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: file };
  }

  async run(...words: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(this.#binary, [...words], {
      env: this.#environment,
      timeout: 60_000,
    });
    return stdout;
  }

  /** `kubectl apply -f -` and the like: gives the text on standard input. */
  async give(text: string, ...words: readonly string[]): Promise<string> {
    const child = spawn(this.#binary, [...words], { env: this.#environment, stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (out += data.toString()));
    child.stdin.end(text);
    const code = await new Promise((resolve) => child.on('close', resolve));
    if (code !== 0) throw new Error(out);
    return out;
  }
}

function hasZstd(): boolean {
  try {
    execFileSync('zstd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
