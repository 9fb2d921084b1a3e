import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../../../app/embedded/database/embedded-database.ts';

/** A database for one test, in a folder of its own; both are gone when the test is over. */
export function testDatabase(): { readonly database: EmbeddedDatabase; readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-test-'));
  const database = openEmbeddedDatabase({
    file: join(folder, 'slipway.db'),
    onFatal: (error) => {
      throw error;
    },
  });
  onTestFinished(async () => {
    await database.close();
    rmSync(folder, { recursive: true });
  });
  return { database, folder };
}
