import { MongoClient } from 'mongodb';
import type { Logger } from 'pino';
import type { Database } from '../engine/ports/database.ts';
import type { Config } from './config.ts';
import { databaseLimits } from './database-limits.ts';
import { openEmbeddedDatabase } from './embedded/database/embedded-database.ts';

const fatalExitCode = 70;

/** The database of the settings: MongoDB by its URI, or the embedded one. */
export async function openDatabase(
  config: Config,
  log: Logger,
): Promise<{ readonly database: Database; readonly close: () => Promise<void> }> {
  if (config.database.type === 'mongodb') {
    const client = new MongoClient(config.database.uri, {
      ignoreUndefined: true,
      ...databaseLimits(config.database.uri),
    });
    await client.connect();
    return { database: client.db(), close: () => client.close() };
  }
  const database = openEmbeddedDatabase({
    file: config.database.file,
    onFatal: (error) => {
      // Nothing may be acknowledged any more: whoever asks gets no answer rather than a wrong one.
      log.fatal({ code: error.code, fix: error.fix }, error.message);
      process.exit(fatalExitCode);
    },
  });
  return { database, close: () => database.close() };
}
