import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../app/embedded/database/embedded-database.ts';

/** A new folder for a benchmark; gone when the work in it is over. */
export async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** An embedded database in the folder; a failed commit ends the benchmark. */
export function openStore(folder: string): EmbeddedDatabase {
  return openEmbeddedDatabase({
    file: join(folder, 'bench.db'),
    onFatal: (error) => {
      throw error;
    },
  });
}
