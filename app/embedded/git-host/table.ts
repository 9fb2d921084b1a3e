import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { z } from 'zod';

/** How rows of one entity are found: `key` is unique where not null, `parent` groups them. */
export interface TableShape<Row extends { readonly id: number }> {
  readonly name: string;
  readonly schema: z.ZodType<Row>;
  readonly key?: (row: Row) => string | null;
  readonly parent?: (row: Row) => string | number;
}

const StoredRow = z.object({ doc: z.string() });

/** One entity's rows as JSON documents. Ids come from one sequence for all tables, so that none is mistaken for another. */
export class Table<Row extends { readonly id: number }> {
  readonly #shape: TableShape<Row>;
  readonly #next: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #byId: StatementSync;
  readonly #byKey: StatementSync;
  readonly #byParent: StatementSync;
  readonly #newestOfParent: StatementSync;
  readonly #all: StatementSync;

  constructor(database: DatabaseSync, shape: TableShape<Row>) {
    this.#shape = shape;
    const { name } = shape;
    database.exec(
      `CREATE TABLE IF NOT EXISTS ${name} (id INTEGER PRIMARY KEY, key TEXT UNIQUE, parent TEXT NOT NULL, doc TEXT NOT NULL) STRICT;
       CREATE INDEX IF NOT EXISTS ${name}_parent ON ${name} (parent, id);`,
    );
    this.#next = database.prepare('UPDATE sequence SET last = last + 1 RETURNING last AS id');
    this.#insert = database.prepare(`INSERT INTO ${name} (id, key, parent, doc) VALUES (?, ?, ?, ?)`);
    this.#update = database.prepare(`UPDATE ${name} SET key = ?, parent = ?, doc = ? WHERE id = ?`);
    this.#delete = database.prepare(`DELETE FROM ${name} WHERE id = ?`);
    this.#byId = database.prepare(`SELECT doc FROM ${name} WHERE id = ?`);
    this.#byKey = database.prepare(`SELECT doc FROM ${name} WHERE key = ?`);
    this.#byParent = database.prepare(`SELECT doc FROM ${name} WHERE parent = ? ORDER BY id`);
    this.#newestOfParent = database.prepare(`SELECT doc FROM ${name} WHERE parent = ? ORDER BY id DESC LIMIT ?`);
    this.#all = database.prepare(`SELECT doc FROM ${name} ORDER BY id`);
  }

  /** A number that nothing else has. */
  nextId(): number {
    return z.object({ id: z.number() }).parse(this.#next.get()).id;
  }

  insert(row: Omit<Row, 'id'>): Row {
    const id = this.nextId();
    const stored = this.#shape.schema.parse({ ...row, id });
    this.#insert.run(id, this.#keyOf(stored), this.#parentOf(stored), JSON.stringify(stored));
    return stored;
  }

  save(row: Row): Row {
    this.#update.run(this.#keyOf(row), this.#parentOf(row), JSON.stringify(row), row.id);
    return row;
  }

  delete(id: number): void {
    this.#delete.run(id);
  }

  find(id: number): Row | undefined {
    return this.#parse(this.#byId.get(id));
  }

  /** @throws RangeError when there is no such row: ids that the store itself handed out */
  get(id: number): Row {
    const row = this.find(id);
    if (row === undefined) throw new RangeError(`${this.#shape.name} has no row ${id}`);
    return row;
  }

  findByKey(key: string): Row | undefined {
    return this.#parse(this.#byKey.get(key));
  }

  /** Oldest first. */
  list(parent: string | number): Row[] {
    return this.#byParent.all(String(parent)).map((row) => this.#parseDocument(row));
  }

  /** Newest first. */
  newest(parent: string | number, limit: number): Row[] {
    return this.#newestOfParent.all(String(parent), limit).map((row) => this.#parseDocument(row));
  }

  all(): Row[] {
    return this.#all.all().map((row) => this.#parseDocument(row));
  }

  #keyOf(row: Row): string | null {
    return this.#shape.key?.(row) ?? null;
  }

  #parentOf(row: Row): string {
    return String(this.#shape.parent?.(row) ?? '');
  }

  #parse(row: unknown): Row | undefined {
    return row === undefined ? undefined : this.#parseDocument(row);
  }

  #parseDocument(row: unknown): Row {
    return this.#shape.schema.parse(JSON.parse(StoredRow.parse(row).doc));
  }
}
