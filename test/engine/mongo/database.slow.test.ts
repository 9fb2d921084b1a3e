import { MongoClient } from 'mongodb';
import { describe } from 'vitest';
import { agendaContract } from '../../contract/agenda.ts';
import { artifactStoreContract } from '../../contract/artifact-store.ts';
import { databaseContract } from '../../contract/database.ts';
import { documentdbMissing, startDocumentdb } from '../../contract/documentdb.ts';
import { logStoreContract } from '../../contract/log-store.ts';

async function connect(uri: string, stop: () => void) {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 20_000 });
  await client.connect();
  return {
    database: client.db('slipway_test'),
    close: async () => {
      await client.close();
      stop();
    },
  };
}

const because = (missing: string | undefined) => (missing === undefined ? '' : ` (skipped: ${missing})`);

describe.skipIf(documentdbMissing !== undefined)(`an independent server${because(documentdbMissing)}`, () => {
  const open = async () => {
    const server = await startDocumentdb();
    return connect(server.uri, () => server.stop());
  };
  databaseContract('the driver against an independent server', open, { findAndModify: 'racing' });
  agendaContract('an independent server', open);
  artifactStoreContract('an independent server', open);
  logStoreContract('an independent server', open);
});

const uri = process.env['MONGODB_URI'];
const uriMissing = uri === undefined ? 'MONGODB_URI is not set' : undefined;
describe.skipIf(uriMissing !== undefined)(`the server that is named${because(uriMissing)}`, () => {
  const open = () => connect(uri ?? '', () => undefined);
  databaseContract('the driver against MONGODB_URI', open);
  agendaContract('MONGODB_URI', open);
  artifactStoreContract('MONGODB_URI', open);
  logStoreContract('MONGODB_URI', open);
});
