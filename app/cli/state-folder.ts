import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CliError } from './cli-error.ts';

/** SQLite's own number for a database that somebody else has. */
const sqliteBusy = 5;

/** A state folder that this process has for itself, until it ends or closes it. */
export interface StateFolder {
  close(): void;
}

/**
 * Makes the folder and takes it, before anything in it is touched: a second Slipway would move the ports and files of
 * the one that runs. The kernel gives it back however this process ends.
 * @throws CliError when another process has it
 */
export function takeStateFolder(folder: string): StateFolder {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(folder, 'in-use'));
  try {
    lock.exec('pragma busy_timeout = 0; pragma locking_mode = exclusive; begin exclusive');
  } catch (error) {
    lock.close();
    if (!(error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy)) throw error;
    throw new CliError(
      `Another Slipway runs in ${folder}`,
      'Ask that one (`slipway runs`), stop it, or give this one a folder of its own with --data',
    );
  }
  return lock;
}
