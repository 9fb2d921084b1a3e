import { lstat, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { create, extract } from 'tar';
import { systemErrorCode } from '../system-error.ts';
import { isInside } from './open-inside.ts';

/** An artifact cannot be packed or unpacked; the message says what is wrong with it. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}

/**
 * A path of the workspace as a tar stream. The same content gives the same bytes: sorted, without times and owners.
 * A folder's content stands at the top of the archive; a file by its own name.
 * Links are kept as links, never followed: they could lead to files of the agent.
 * @throws ArchiveError when there is nothing at the path, or it leads out of the workspace
 */
export async function pack(workspace: string, path: string): Promise<AsyncIterable<Uint8Array>> {
  const full = join(workspace, path);
  const found = await lstat(full).catch((cause: unknown) => {
    const isMissing = ['ENOENT', 'ENOTDIR'].includes(systemErrorCode(cause) ?? '');
    const why = isMissing ? 'does not exist after the commands' : `cannot be read: ${String(cause)}`;
    throw new ArchiveError(`The artifact's path ${path} ${why}`, { cause });
  });
  const folder = found.isDirectory() ? full : join(full, '..');
  if (!isInside(await realpath(workspace), await realpath(folder)))
    throw new ArchiveError(`The artifact's path ${path} leads out of the workspace`);
  const names = found.isDirectory() ? await filesBelow(full, '') : [full.slice(folder.length + 1)];
  if (names.length === 0) throw new ArchiveError(`The artifact's folder ${path} is empty`);
  // A leading ./ keeps names that begin with @ from being taken as archives.
  const stream = create(
    { cwd: folder, portable: true, mtime: new Date(0), noDirRecurse: true, strict: true },
    names.map((name) => `./${name}`),
  );
  return Readable.from(stream);
}

async function filesBelow(folder: string, inside: string): Promise<string[]> {
  const entries = await readdir(join(folder, inside), { withFileTypes: true });
  const names: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
    if (inside === '' && entry.name === '.git') continue;
    if (entry.isDirectory()) names.push(...(await filesBelow(folder, name)));
    else if (entry.isFile() || entry.isSymbolicLink()) names.push(name);
  }
  return names;
}

/** Unpacks into a folder; entries that would leave it, and links that point outside, are refused. */
export async function unpack(folder: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const unpacking = extract({
    cwd: folder,
    strict: true,
    preservePaths: false,
    noChmod: false,
    // Who runs a file is never decided by an archive: no set-user-id and the like.
    onReadEntry: (entry) => {
      if (entry.mode !== undefined) entry.mode &= 0o777;
    },
  });
  await pipeline(Readable.from(content), unpacking);
}
