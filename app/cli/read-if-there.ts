import { readFile } from 'node:fs/promises';
import { ifThere, systemErrorCode } from '../../engine/system-error.ts';
import { CliError } from './cli-error.ts';

/** @returns undefined only where there is no such file: one that cannot be read is not a missing one. @throws CliError */
export async function readIfThere(file: string, fix: string): Promise<string | undefined> {
  try {
    return await ifThere(readFile(file, 'utf8'));
  } catch (error) {
    const reason = reasons[systemErrorCode(error) ?? ''] ?? String(error);
    throw new CliError(`${file} cannot be read: ${reason}`, fix);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  ENOTDIR: 'a part of its path is no folder',
};
