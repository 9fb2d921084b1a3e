import { readFile } from 'node:fs/promises';
import { CliError } from './cli-error.ts';

/** @returns undefined only where there is no such file: one that cannot be read is not a missing one. @throws CliError */
export async function readIfThere(file: string, fix: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    throw new CliError(`${file} cannot be read: ${reasons[String(code)] ?? String(error)}`, fix);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  ENOTDIR: 'a part of its path is no folder',
};
