import { chmodSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** Versions are promised in blocks, so that none is given out twice, whatever was deleted before a kill. */
const block = 10_000;
/** As on a real cluster, small versions are always ones from before anybody's time. */
const firstVersion = 1_000;

/** Where objects rest: one SQLite file, which one process at a time may use. Survives kill -9. */
export class ObjectDatabase {
  readonly #database: DatabaseSync;
  readonly #lock: DatabaseSync;
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #reserve: StatementSync;
  #version: number;
  #reserved: number;

  /** @throws Error when another process has this folder's cluster open */
  constructor(folder: string) {
    this.#lock = new DatabaseSync(join(folder, 'objects.lock'));
    try {
      this.#lock.exec('begin exclusive');
    } catch (cause) {
      this.#lock.close();
      throw new Error(`Another process runs the cluster of ${folder}: stop it, or choose another folder`, { cause });
    }
    const file = join(folder, 'objects.db');
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    this.#database = new DatabaseSync(file);
    this.#database.exec(`
      pragma journal_mode = wal;
      pragma synchronous = normal;
      create table if not exists objects
        (resource text not null, key text not null, body text not null, primary key (resource, key)) without rowid;
      create table if not exists version (id integer primary key check (id = 1), reserved integer not null);
      insert or ignore into version values (1, ${firstVersion});
    `);
    this.#put = this.#database.prepare('insert or replace into objects values (?, ?, ?)');
    this.#drop = this.#database.prepare('delete from objects where resource = ? and key = ?');
    this.#reserve = this.#database.prepare('update version set reserved = ? where id = 1');
    const row = this.#database.prepare('select reserved from version').get();
    this.#version = Number(row?.['reserved'] ?? 0);
    this.#reserved = this.#version;
    this.nextVersion();
  }

  /** The newest resourceVersion given out. */
  get version(): number {
    return this.#version;
  }

  /** Grows with every write, also over restarts. */
  nextVersion(): number {
    if (this.#version + 1 >= this.#reserved) {
      this.#reserved = this.#version + block;
      this.#reserve.run(this.#reserved);
    }
    this.#version += 1;
    return this.#version;
  }

  bodies(resource: string): string[] {
    const rows = this.#database.prepare('select body from objects where resource = ?').all(resource);
    return rows.map((row) => String(row['body']));
  }

  put(resource: string, key: string, body: string): void {
    this.#put.run(resource, key, body);
  }

  drop(resource: string, key: string): void {
    this.#drop.run(resource, key);
  }

  close(): void {
    this.#database.close();
    this.#lock.close();
  }
}
