import { Query } from 'mingo';
import { BSON, type Document, type InsertOneResult, MongoServerError, type WithId } from 'mongodb';
import type { Catalog, CatalogIndex, CatalogTable } from './catalog.ts';
import { indexKeys, sortKey } from './index-keys.ts';
import { encodeValue } from './key-encoding.ts';
import { planQuery } from './plan-query.ts';
import type { SortFields } from './sort-fields.ts';
import type { Row, Storage } from './storage.ts';
import { checkFilter } from './supported-operators.ts';

const maxDocumentBytes = 16 * 2 ** 20;
const maxSortBytes = 100 * 2 ** 20;
const duplicateKey = 11_000;
const bsonTooLarge = 10_334;
const sortTooLarge = 292;

/** A document as it lies in its table. */
export interface Stored<T extends Document> {
  readonly row: number;
  readonly document: WithId<T>;
  readonly bytes: number;
}

/** Documents of one collection and the keys of its indexes, kept in step. What is written here is durable once the storage has committed. */
export class Documents<T extends Document> {
  readonly #name: string;
  readonly #catalog: Catalog;
  readonly #storage: Storage;

  constructor(name: string, catalog: Catalog, storage: Storage) {
    this.#name = name;
    this.#catalog = catalog;
    this.#storage = storage;
  }

  insert(document: Document): InsertOneResult<T>['insertedId'] {
    const table = this.#catalog.table(this.#name);
    const body = encode(document, this.#name);
    const id = encodeValue(document['_id']);
    if (this.#storage.query(`select 1 from ${table.documents} where id = ?`, id).length > 0) {
      throw this.#duplicate({ name: '_id_', fields: [{ path: '_id', direction: 1 }] }, document);
    }
    this.#checkUnique(table, document, undefined);
    const row = this.#catalog.nextRow(this.#name);
    this.#storage.write(`insert into ${table.documents} (row, id, body) values (?, ?, ?)`, row, id, body);
    for (const index of table.indexes) this.#addKeys(index, row, document);
    return document['_id'];
  }

  /** @returns whether anything changed */
  replace(stored: Pick<Stored<T>, 'row'>, document: Document): boolean {
    const table = this.#catalog.table(this.#name);
    const before = this.load(stored.row)?.document ?? {};
    const body = encode(document, this.#name);
    if (body.equals(encode(before, this.#name))) return false;
    this.#checkUnique(table, document, stored.row);
    this.#storage.write(`update ${table.documents} set body = ? where row = ?`, body, stored.row);
    for (const index of table.indexes) {
      const old = indexKeys(before, index).keys;
      const now = indexKeys(document, index).keys;
      if (old.length === now.length && old.every((key, at) => now[at]?.equals(key))) continue;
      for (const key of old)
        this.#storage.write(`delete from ${index.table} where key = ? and row = ?`, key, stored.row);
      this.#addKeys(index, stored.row, document);
    }
    return true;
  }

  remove({ row }: Pick<Stored<T>, 'row'>): void {
    const table = this.#catalog.table(this.#name);
    const document = this.load(row)?.document ?? {};
    for (const index of table.indexes) {
      for (const key of indexKeys(document, index).keys) {
        this.#storage.write(`delete from ${index.table} where key = ? and row = ?`, key, row);
      }
    }
    this.#storage.write(`delete from ${table.documents} where row = ?`, row);
  }

  #addKeys(index: CatalogIndex, row: number, document: Document): void {
    const { keys, isMultikey } = indexKeys(document, index);
    if (isMultikey) this.#catalog.markMultikey(index);
    if (index.isUnique && keys.some((key) => this.#isTaken(index, key, row))) throw this.#duplicate(index, document);
    for (const key of keys) this.#storage.write(`insert into ${index.table} (key, row) values (?, ?)`, key, row);
  }

  #checkUnique(table: CatalogTable, document: Document, own: number | undefined): void {
    for (const index of table.indexes) {
      if (!index.isUnique) continue;
      if (indexKeys(document, index).keys.some((key) => this.#isTaken(index, key, own)))
        throw this.#duplicate(index, document);
    }
  }

  #isTaken(index: CatalogIndex, key: Buffer, own: number | undefined): boolean {
    return (
      this.#storage.query(`select row from ${index.table} where key = ? and row <> ? limit 1`, key, own ?? -1).length >
      0
    );
  }

  load(row: number): Stored<T> | undefined {
    const table = this.#catalog.table(this.#name);
    const found = this.#storage.query(`select row, body from ${table.documents} where row = ?`, row)[0];
    return found === undefined ? undefined : this.#decode(found);
  }

  /** The first that fits. */
  first(filter: Document, sort: SortFields): Stored<T> | undefined {
    return this.select(filter, sort, 1)[0];
  }

  /** How many there are in all. */
  count(): number {
    const { documents } = this.#catalog.table(this.#name);
    return Number(this.#storage.query(`select count(*) as count from ${documents}`)[0]?.['count'] ?? 0);
  }

  /** Adds an index, with the keys of what is there already. @throws MongoServerError where it is unique and two share a key */
  addIndex(index: Parameters<Catalog['addIndex']>[1]): void {
    this.#catalog.addIndex(this.#name, index, (added) => {
      for (const { row, document } of this.matching({}, [])) this.#addKeys(added, row, document);
    });
  }

  select(filter: Document, sort: SortFields, limit: number): Stored<T>[] {
    checkFilter(filter);
    const plan = this.#plan(filter, sort);
    const isSorted = sort.length === 0 || (plan.type === 'ranges' && plan.isSorted);
    const found: Stored<T>[] = [];
    let bytes = 0;
    for (const stored of this.matching(filter, sort)) {
      found.push(stored);
      if (isSorted && found.length >= limit) break;
      bytes += stored.bytes;
      if (!isSorted && bytes > maxSortBytes) {
        throw new MongoServerError({
          message: 'Sort exceeded memory limit of 104857600 bytes: add an index for it',
          code: sortTooLarge,
        });
      }
    }
    if (isSorted) return found;
    const keyed = found.map((stored) => ({ stored, key: sortKey(stored.document, sort) }));
    keyed.sort((a, b) => Buffer.compare(a.key, b.key));
    return keyed.slice(0, limit).map(({ stored }) => stored);
  }

  #plan(filter: Document, sort: SortFields): ReturnType<typeof planQuery> {
    return planQuery(filter, sort, this.#catalog.table(this.#name).indexes);
  }

  *matching(filter: Document, sort: SortFields): Iterable<Stored<T>> {
    const query = Object.keys(filter).length === 0 ? undefined : new Query(filter, {});
    const seen = new Set<number>();
    const plan = this.#plan(filter, sort);
    const mayRepeat = plan.type === 'ranges' && plan.index?.isMultikey === true;
    for (const row of this.#candidates(plan)) {
      const stored = this.#decode(row);
      if (mayRepeat) {
        if (seen.has(stored.row)) continue;
        seen.add(stored.row);
      }
      if (query === undefined || query.test(stored.document)) yield stored;
    }
  }

  *#candidates(plan: ReturnType<typeof planQuery>): Iterable<Row> {
    const { documents } = this.#catalog.table(this.#name);
    if (plan.type === 'ids') {
      for (const id of plan.ids) yield* this.#storage.query(`select row, body from ${documents} where id = ?`, id);
      return;
    }
    const order = plan.isReversed ? 'desc' : 'asc';
    for (const { from, to } of plan.ranges) {
      const sql =
        plan.index === undefined
          ? `select row, body from ${documents} where id >= ? and id < ? order by id ${order}`
          : `select d.row, d.body from ${plan.index.table} i cross join ${documents} d on d.row = i.row
             where i.key >= ? and i.key < ? order by i.key ${order}, i.row ${order}`;
      yield* this.#storage.iterate(sql, from, to);
    }
  }

  #decode(row: Row): Stored<T> {
    const { body } = row;
    if (!(body instanceof Uint8Array)) throw new TypeError(`A row of ${this.#name} holds no document`);
    // What this collection stored under T comes back as T: the same trust that the driver's own types place in the server.
    return { row: Number(row['row']), document: BSON.deserialize(body) as WithId<T>, bytes: body.byteLength };
  }

  #duplicate(index: Pick<CatalogIndex, 'name' | 'fields'>, document: Document): MongoServerError {
    const keyValue = Object.fromEntries(index.fields.map(({ path }) => [path, document[path] ?? null]));
    const keyPattern = Object.fromEntries(index.fields.map(({ path, direction }) => [path, direction]));
    const shown = JSON.stringify(keyValue).slice(0, 300);
    return new MongoServerError({
      message: `E11000 duplicate key error collection: ${this.#name} index: ${index.name} dup key: ${shown}`,
      code: duplicateKey,
      keyPattern,
      keyValue,
    });
  }
}

function encode(document: Document, collection: string): Buffer {
  const body = Buffer.from(BSON.serialize(document, { ignoreUndefined: false, checkKeys: false }));
  if (body.length <= maxDocumentBytes) return body;
  throw new MongoServerError({
    message: `A document for ${collection} is ${body.length} bytes; at most ${maxDocumentBytes} are kept`,
    code: bsonTooLarge,
  });
}
