import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { EngineError } from '../../../engine/ports/errors.ts';

const cachePages = -65_536;

/**
 * One SQLite file with group commit: all writes of one turn of the event loop are one durable transaction, and each
 * waits for it. Reads see writes at once. When a commit fails nothing is true any more: it stops for good.
 */
export class Storage {
  readonly #database: DatabaseSync;
  readonly #lock: DatabaseSync;
  readonly #onFatal: (error: EngineError) => void;
  readonly #statements = new Map<string, StatementSync>();
  #pending: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  #commit: NodeJS.Immediate | undefined;
  #failure: EngineError | undefined;
  #isClosed = false;

  constructor(file: string, onFatal: (error: EngineError) => void) {
    this.#onFatal = onFatal;
    this.#lock = lockFile(`${file}.lock`);
    // Created here so that nobody but the user can ever read it.
    closeSync(openSync(file, 'a', 0o600));
    this.#database = new DatabaseSync(file);
    this.#database.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma cache_size = ${cachePages};
      pragma wal_autocheckpoint = 4000;
      pragma temp_store = memory;
    `);
  }

  /** Runs a read, or a change of the schema. */
  query(sql: string, ...values: Value[]): Row[] {
    this.#assertOpen();
    return this.#prepare(sql).all(...values);
  }

  *iterate(sql: string, ...values: Value[]): Iterable<Row> {
    this.#assertOpen();
    yield* this.#database.prepare(sql).iterate(...values);
  }

  execute(sql: string): void {
    this.#assertOpen();
    this.#database.exec(sql);
  }

  /** Runs a write inside the turn's transaction; durable once `committed()` resolves. */
  write(sql: string, ...values: Value[]): void {
    this.#begin();
    try {
      this.#prepare(sql).run(...values);
    } catch (error) {
      throw this.#fail('Writing to the database', error);
    }
  }

  /** Resolves when all writes so far are on disk. */
  committed(): Promise<void> {
    this.#assertOpen();
    if (this.#commit === undefined) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#pending.push({ resolve, reject });
    return promise;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    // First, and all at once: a write in between would be neither on disk nor refused.
    this.#isClosed = true;
    if (this.#commit !== undefined) {
      clearImmediate(this.#commit);
      this.#flush();
    }
    this.#statements.clear();
    this.#database.close();
    this.#lock.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #begin(): void {
    this.#assertOpen();
    if (this.#commit !== undefined) return;
    try {
      this.#database.exec('begin immediate');
    } catch (error) {
      throw this.#fail('Beginning a transaction', error);
    }
    this.#commit = setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#commit = undefined;
    const pending = this.#pending;
    this.#pending = [];
    try {
      this.#database.exec('commit');
    } catch (error) {
      const failure = this.#fail('Committing to the database', error);
      for (const { reject } of pending) reject(failure);
      return;
    }
    for (const { resolve } of pending) resolve();
  }

  /** Memory and disk may now differ: refuse everything from here on rather than lie. */
  #fail(what: string, cause: unknown): EngineError {
    if (this.#failure !== undefined) return this.#failure;
    const failure = new EngineError({
      code: 'unavailable',
      what,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'Free disk space or repair the disk, then start Slipway again: all that was acknowledged is kept',
      cause,
    });
    this.#failure = failure;
    clearImmediate(this.#commit);
    this.#commit = undefined;
    for (const { reject } of this.#pending) reject(failure);
    this.#pending = [];
    this.#onFatal(failure);
    return failure;
  }

  #assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#isClosed) return;
    throw new EngineError({
      code: 'unavailable',
      what: 'Using the embedded database',
      why: 'It is closed',
      fix: 'This is a fault of Slipway: report it',
    });
  }
}

export type Value = null | number | bigint | string | NodeJS.ArrayBufferView;
export type Row = Record<string, unknown>;

/** A file of its own, held by an open transaction: the kernel frees it however this process ends. */
function lockFile(file: string): DatabaseSync {
  const lock = new DatabaseSync(file);
  try {
    lock.exec('pragma busy_timeout = 0; pragma locking_mode = exclusive; begin exclusive');
    return lock;
  } catch (error) {
    lock.close();
    throw new EngineError({
      code: 'conflict',
      what: `Opening ${file.replace(/\.lock$/, '')}`,
      why: 'Another process has it open',
      fix: 'Stop the other Slipway, or give this one its own folder with --data; several processes need MONGODB_URI',
      cause: error,
    });
  }
}
