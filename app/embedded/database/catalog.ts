import { z } from 'zod';
import type { IndexDefinition } from './index-keys.ts';
import type { PlannedIndex } from './plan-query.ts';
import type { Storage } from './storage.ts';

/** An index and the table that holds its keys. */
export interface CatalogIndex extends PlannedIndex {
  isMultikey: boolean;
}

/** A collection: the table of its documents, and its indexes. */
export interface CatalogTable {
  readonly documents: string;
  readonly indexes: readonly CatalogIndex[];
}

const collectionRow = z.object({ number: z.number(), name: z.string() });
const indexRow = z.object({
  number: z.number(),
  collection: z.string(),
  definition: z.string(),
  isMultikey: z.number(),
});
const definitionSchema = z.object({
  name: z.string(),
  fields: z.array(z.object({ path: z.string(), direction: z.union([z.literal(1), z.literal(-1)]) })),
  isUnique: z.boolean(),
  isSparse: z.boolean(),
});

interface OpenTable extends CatalogTable {
  readonly indexes: CatalogIndex[];
  nextRow: number;
}

/** Which collections and indexes there are, and their tables' names; names of collections never reach SQL. */
export class Catalog {
  readonly #storage: Storage;
  readonly #tables = new Map<string, OpenTable>();

  constructor(storage: Storage) {
    this.#storage = storage;
    storage.execute(`
      create table if not exists collections (number integer primary key, name text unique not null);
      create table if not exists indexes (
        number integer primary key, collection text not null, definition text not null, isMultikey integer not null
      );
    `);
    for (const row of storage.query('select number, name from collections')) {
      const { number, name } = collectionRow.parse(row);
      this.#open(name, `d${number}`);
    }
    for (const row of storage.query('select number, collection, definition, isMultikey from indexes order by number')) {
      const { number, collection, definition, isMultikey } = indexRow.parse(row);
      const index = definitionSchema.parse(JSON.parse(definition));
      this.#tables.get(collection)?.indexes.push({ ...index, table: `i${number}`, isMultikey: isMultikey === 1 });
    }
  }

  /** Made on first use. */
  table(name: string): CatalogTable {
    return this.#tables.get(name) ?? this.#create(name);
  }

  nextRow(name: string): number {
    const table = this.#tables.get(name) ?? this.#create(name);
    table.nextRow += 1;
    return table.nextRow;
  }

  /** @param fill adds the keys of the documents that are there */
  addIndex(collection: string, definition: IndexDefinition, fill: (index: CatalogIndex) => void): void {
    const table = this.#tables.get(collection) ?? this.#create(collection);
    if (table.indexes.some(({ name }) => name === definition.name)) return;
    const number = this.#next('indexes');
    const index: CatalogIndex = { ...definition, table: `i${number}`, isMultikey: false };
    this.#storage.write(
      `create table i${number} (key blob not null, row integer not null, primary key (key, row)) without rowid`,
    );
    this.#storage.write(
      'insert into indexes (number, collection, definition, isMultikey) values (?, ?, ?, 0)',
      number,
      collection,
      JSON.stringify(definition),
    );
    try {
      fill(index);
    } catch (error) {
      this.#storage.write(`drop table i${number}`);
      this.#storage.write('delete from indexes where number = ?', number);
      throw error;
    }
    table.indexes.push(index);
  }

  markMultikey(index: CatalogIndex): void {
    if (index.isMultikey) return;
    index.isMultikey = true;
    this.#storage.write('update indexes set isMultikey = 1 where number = ?', Number(index.table.slice(1)));
  }

  #create(name: string): OpenTable {
    const number = this.#next('collections');
    this.#storage.write(
      `create table d${number} (row integer primary key, id blob unique not null, body blob not null)`,
    );
    this.#storage.write('insert into collections (number, name) values (?, ?)', number, name);
    return this.#open(name, `d${number}`);
  }

  #open(name: string, documents: string): OpenTable {
    const last = this.#storage.query(`select max(row) as last from ${documents}`)[0]?.['last'];
    const table: OpenTable = { documents, indexes: [], nextRow: typeof last === 'number' ? last : 0 };
    this.#tables.set(name, table);
    return table;
  }

  #next(table: 'collections' | 'indexes'): number {
    return Number(this.#storage.query(`select coalesce(max(number), 0) + 1 as next from ${table}`)[0]?.['next']);
  }
}
