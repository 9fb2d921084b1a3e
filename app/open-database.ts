import { MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import type { Database } from '../engine/ports/database.ts';
import type { Config } from './config.ts';
import { databaseLimits } from './database-limits.ts';
import { openEmbeddedDatabase } from './embedded/database/embedded-database.ts';

const fatalExitCode = 70;

/** Of a replica's lease: one renewal at a time, and who waits for it asks now and then. */
const leaseConnections = 2;

export interface OpenDatabase {
  readonly database: Database;
  /** The same by connections of its own, for the lease: its renewal must not stand in line behind hundreds of commits. */
  readonly leases: Database;
  close(): Promise<void>;
}

/** The database of the settings: MongoDB by its URI, or the embedded one. */
export async function openDatabase(config: Config, log: Logger): Promise<OpenDatabase> {
  if (config.database.type === 'mongodb') {
    const { uri } = config.database;
    const settings = { ignoreUndefined: true, ...databaseLimits(uri) };
    const client = new MongoClient(uri, settings);
    const leaseClient = new MongoClient(uri, { ...settings, minPoolSize: 0, maxPoolSize: leaseConnections });
    await client.connect();
    return {
      database: client.db(),
      leases: leaseClient.db(),
      async close() {
        await leaseClient.close();
        await client.close();
      },
    };
  }
  const database = openEmbeddedDatabase({
    file: config.database.file,
    onFatal: (error) => {
      // Nothing may be acknowledged any more: whoever asks gets no answer rather than a wrong one.
      log.fatal({ code: error.code, fix: error.fix }, error.message);
      process.exit(fatalExitCode);
    },
  });
  return { database, leases: database, close: () => database.close() };
}
