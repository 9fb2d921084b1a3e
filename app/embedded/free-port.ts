import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ifThere } from '../../engine/system-error.ts';

/**
 * A port of this machine that stays the same over restarts as long as nobody else takes it: pods that live on connect
 * there again, and webhooks still arrive.
 * @param preferred the one to begin with, where it is free; 0 for any
 */
export async function stablePort(file: string, preferred = 0): Promise<number> {
  const last = Number((await ifThere(readFile(file, 'utf8'))) ?? preferred);
  const port = (await tryPort(Number.isInteger(last) && last > 0 && last < 65_536 ? last : 0)) ?? (await freePort());
  await writeFile(file, String(port));
  return port;
}

/** @throws Error when there is none */
export async function freePort(): Promise<number> {
  const port = await tryPort(0);
  if (port === undefined) throw new Error('No port of this machine is free');
  return port;
}

async function tryPort(port: number): Promise<number | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
