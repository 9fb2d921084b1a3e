import type { Document } from 'mongodb';
import type { Database, DocumentCollection } from '../../../engine/ports/database.ts';
import type { EngineError } from '../../../engine/ports/errors.ts';
import { Catalog } from './catalog.ts';
import { EmbeddedCollection } from './collection.ts';
import { Storage } from './storage.ts';

export interface EmbeddedDatabase extends Database {
  /** The driver's `Db` has it; Agenda reads it for its debug log. */
  readonly options: Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

/**
 * The part of MongoDB that Slipway uses, in one file on this machine. Every acknowledged write is on disk.
 * @param onFatal called once when a write or commit fails; the process must end, since nothing may be acknowledged any more
 * @throws EngineError `conflict` when another process has the file open
 */
export function openEmbeddedDatabase(options: {
  readonly file: string;
  readonly onFatal: (error: EngineError) => void;
}): EmbeddedDatabase {
  const storage = new Storage(options.file, options.onFatal);
  const catalog = new Catalog(storage);
  return {
    options: {},
    collection: <T extends Document = Document>(name: string): DocumentCollection<T> =>
      new EmbeddedCollection<T>(name, catalog, storage),
    close: () => storage.close(),
  };
}
