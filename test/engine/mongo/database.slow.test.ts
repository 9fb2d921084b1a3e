import { MongoClient } from 'mongodb';
import { describe, it } from 'vitest';
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

if (documentdbMissing === undefined) {
  const open = async () => {
    const server = await startDocumentdb();
    return connect(server.uri, () => server.stop());
  };
  databaseContract('the driver against an independent server', open, { findAndModify: 'racing' });
  agendaContract('an independent server', open);
  artifactStoreContract('an independent server', open);
  logStoreContract('an independent server', open);
} else {
  describe.skip('database contract: the driver against an independent server', () => {
    it(`skipped: ${documentdbMissing}`, () => undefined);
  });
}

const uri = process.env['MONGODB_URI'];
if (uri !== undefined) {
  databaseContract('the driver against MONGODB_URI', () => connect(uri, () => undefined));
  agendaContract('MONGODB_URI', () => connect(uri, () => undefined));
  artifactStoreContract('MONGODB_URI', () => connect(uri, () => undefined));
  logStoreContract('MONGODB_URI', () => connect(uri, () => undefined));
} else {
  describe.skip('database contract: the driver against MONGODB_URI', () => {
    it('skipped: MONGODB_URI is not set', () => undefined);
  });
}
