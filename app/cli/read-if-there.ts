import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ifThere, systemErrorCode } from '../../engine/system-error.ts';
import { CliError } from './cli-error.ts';

const maxBytes = 16 * 2 ** 20;

/** @returns undefined only where there is no such file: one that cannot be read is not a missing one. @throws CliError */
export async function readIfThere(file: string, fix: string): Promise<string | undefined> {
  try {
    return await ifThere(readPlainFile(file));
  } catch (error) {
    const reason = error instanceof NotPlain ? error.message : (reasons[systemErrorCode(error) ?? ''] ?? String(error));
    throw new CliError(`${file} cannot be read: ${reason}`, fix);
  }
}

/** What is there is no file of a usual size. */
class NotPlain extends Error {}

/** A pipe would be waited for without end, and a device may never end. */
async function readPlainFile(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (found.isDirectory()) throw new NotPlain('it is a folder');
    if (!found.isFile()) throw new NotPlain('it is no plain file');
    if (found.size > maxBytes) throw new NotPlain(`it is larger than ${maxBytes / 2 ** 20} MiB`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ELOOP: 'its links lead in a circle',
  ENOTDIR: 'a part of its path is no folder',
};
