import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedDatabase } from '../../../../app/embedded/database/embedded-database.ts';
import { agendaContract } from '../../../contract/agenda.ts';
import { artifactStoreContract } from '../../../contract/artifact-store.ts';
import { databaseContract } from '../../../contract/database.ts';
import { logStoreContract } from '../../../contract/log-store.ts';

async function open() {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-db-'));
  const database = openEmbeddedDatabase({
    file: join(folder, 'test.db'),
    onFatal: (error) => {
      throw error;
    },
  });
  return {
    database,
    close: async () => {
      await database.close();
      rmSync(folder, { recursive: true });
    },
  };
}

databaseContract('embedded', open);
agendaContract('the embedded database', open);
artifactStoreContract('the embedded database', open);
logStoreContract('the embedded database', open);
