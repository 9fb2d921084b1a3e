import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../app/embedded/free-port.ts';

const installer = join(import.meta.dirname, '..', '..', '..', 'shared', 'tools', 'install');

/** Why the independent MongoDB-wire server cannot be used here; undefined when it can. */
export const documentdbMissing = existsSync(installer) ? undefined : 'the test tools are not beside this checkout';

/** Starts the independent MongoDB-wire server on a port of its own. */
export async function startDocumentdb(
  options: { readonly host?: string } = {},
): Promise<{ readonly uri: string; stop(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-documentdb-'));
  execFileSync(installer, [folder, 'documentdb'], { stdio: 'ignore' });
  mkdirSync(join(folder, 'data'));
  const port = await freePort();
  const child = spawn(join(folder, 'documentdb'), [`${options.host ?? '127.0.0.1'}:${port}`, join(folder, 'data')], {
    stdio: 'ignore',
  });
  return {
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true`,
    stop() {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
