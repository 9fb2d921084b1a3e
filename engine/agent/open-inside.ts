import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { relative, sep } from 'node:path';

/** A file of the commands leads out of the folders that they share with the agent, or is no file. */
export class OutsideError extends Error {
  override readonly name = 'OutsideError';
}

/**
 * Opens a file that untrusted commands made, for reading. A link of theirs could lead to the agent's own files, its
 * token for one, and a pipe of theirs would keep the agent waiting: both are refused, on what was really opened.
 * @throws OutsideError; the system's error (`ENOENT`) when there is none
 */
export async function openInside(folder: string, path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new OutsideError(`${relative(folder, path)} is no file`);
    // Where there is no /proc, the path is asked instead.
    const real = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => realpath(path));
    if (!isInside(await realpath(folder), real))
      throw new OutsideError(`${relative(folder, path)} leads out of its folder`);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @param folder and path without links, absolute */
export function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
