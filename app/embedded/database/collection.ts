import { Aggregator, Query } from 'mingo';
import {
  BSON,
  type CreateIndexesOptions,
  type DeleteResult,
  type Document,
  type Filter,
  type FindOneAndUpdateOptions,
  type IndexSpecification,
  type InsertManyResult,
  type InsertOneResult,
  MongoServerError,
  type ObjectId,
  type OptionalUnlessRequiredId,
  type ReplaceOptions,
  type Sort,
  type UpdateFilter,
  type UpdateOptions,
  type UpdateResult,
  type WithId,
  type WithoutId,
} from 'mongodb';
import type { DocumentCollection } from '../../../engine/ports/database.ts';
import { applyUpdate, checkFilter, checkPipeline, checkUpdate, refused, upsertBase, withId } from './apply-update.ts';
import type { Catalog, CatalogIndex, CatalogTable } from './catalog.ts';
import { EmbeddedCursor } from './cursor.ts';
import { indexKeys, sortKey } from './index-keys.ts';
import { encodeValue } from './key-encoding.ts';
import { planQuery, type SortFields } from './plan-query.ts';
import type { Row, Storage } from './storage.ts';

const maxDocumentBytes = 16 * 2 ** 20;
const maxSortBytes = 100 * 2 ** 20;
const duplicateKey = 11_000;
const bsonTooLarge = 10_334;
const sortTooLarge = 292;

/** A document as it lies in its table. */
interface Stored {
  readonly row: number;
  readonly document: Document;
  readonly bytes: number;
}

/** Documents of one collection, by the driver's own methods. */
export class EmbeddedCollection<T extends Document> implements DocumentCollection<T> {
  readonly #name: string;
  readonly #catalog: Catalog;
  readonly #storage: Storage;

  constructor(name: string, catalog: Catalog, storage: Storage) {
    this.#name = name;
    this.#catalog = catalog;
    this.#storage = storage;
  }

  async insertOne(document: OptionalUnlessRequiredId<T>): Promise<InsertOneResult<T>> {
    const insertedId = this.#insert(withId(document));
    await this.#storage.committed();
    return { acknowledged: true, insertedId };
  }

  async insertMany(documents: readonly OptionalUnlessRequiredId<T>[]): Promise<InsertManyResult<T>> {
    const insertedIds: InsertManyResult<T>['insertedIds'] = {};
    try {
      for (const [index, document] of documents.entries()) insertedIds[index] = this.#insert(withId(document));
    } finally {
      await this.#storage.committed();
    }
    return { acknowledged: true, insertedCount: documents.length, insertedIds };
  }

  async findOne(filter: Filter<T>): Promise<WithId<T> | null> {
    return this.#first(filter, [])?.document ?? null;
  }

  find(filter: Filter<T>): EmbeddedCursor<WithId<T>> {
    return new EmbeddedCursor({
      rows: (sort, limit) => this.#select(filter, sort, limit).map(({ row }) => row),
      documents: (sort, limit) => this.#select(filter, sort, limit).map(({ document }) => document),
      load: (row) => this.#load(row)?.document,
    });
  }

  async updateOne(filter: Filter<T>, update: UpdateFilter<T>, options: UpdateOptions = {}): Promise<UpdateResult<T>> {
    return this.#update(filter, update, { upsert: options.upsert === true, limit: 1 });
  }

  async updateMany(filter: Filter<T>, update: UpdateFilter<T>, options: UpdateOptions = {}): Promise<UpdateResult<T>> {
    return this.#update(filter, update, { upsert: options.upsert === true, limit: Number.POSITIVE_INFINITY });
  }

  async replaceOne(
    filter: Filter<T>,
    replacement: WithoutId<T>,
    options: ReplaceOptions = {},
  ): Promise<UpdateResult<T>> {
    const found = this.#first(filter, []);
    if (found === undefined) {
      if (options.upsert !== true) return updated(0, 0, null);
      const { _id } = upsertBase(filter);
      const upsertedId = this.#insert(withId(_id === undefined ? { ...replacement } : { _id, ...replacement }));
      await this.#storage.committed();
      return updated(0, 0, upsertedId);
    }
    const hasChanged = this.#replace(found, { _id: found.document['_id'], ...replacement });
    await this.#storage.committed();
    return updated(1, hasChanged ? 1 : 0, null);
  }

  async findOneAndUpdate(
    filter: Filter<T>,
    update: UpdateFilter<T>,
    options: FindOneAndUpdateOptions,
  ): Promise<WithId<T> | null> {
    checkUpdate(update);
    const found = this.#first(filter, sortFields(options.sort));
    if (found === undefined) {
      if (options.upsert !== true) return null;
      const inserted = this.#upsert(filter, update);
      await this.#storage.committed();
      return options.returnDocument === 'after' ? (this.#first(byId(inserted), [])?.document ?? null) : null;
    }
    const before = this.#load(found.row)?.document ?? null;
    this.#replace(found, applyUpdate(found.document, update, filter, 'update'));
    await this.#storage.committed();
    return options.returnDocument === 'after' ? (this.#load(found.row)?.document ?? null) : before;
  }

  async findOneAndDelete(filter: Filter<T>): Promise<WithId<T> | null> {
    const found = this.#first(filter, []);
    if (found === undefined) return null;
    this.#remove(found);
    await this.#storage.committed();
    return found.document;
  }

  async deleteOne(filter: Filter<T>): Promise<DeleteResult> {
    const found = this.#first(filter, []);
    if (found !== undefined) this.#remove(found);
    await this.#storage.committed();
    return { acknowledged: true, deletedCount: found === undefined ? 0 : 1 };
  }

  async deleteMany(filter: Filter<T>): Promise<DeleteResult> {
    const found = this.#select(filter, [], Number.POSITIVE_INFINITY);
    for (const stored of found) this.#remove(stored);
    await this.#storage.committed();
    return { acknowledged: true, deletedCount: found.length };
  }

  async countDocuments(filter: Filter<T>): Promise<number> {
    const table = this.#catalog.table(this.#name);
    if (Object.keys(filter).length === 0) {
      return Number(this.#storage.query(`select count(*) as count from ${table.documents}`)[0]?.['count'] ?? 0);
    }
    let count = 0;
    for (const _ of this.#matching(filter, [])) count += 1;
    return count;
  }

  async distinct(key: string, filter: Filter<T>): Promise<unknown[]> {
    const groups = this.#aggregate([{ $match: filter }, { $unwind: `$${key}` }, { $group: { _id: `$${key}` } }]);
    return groups.map(({ _id }) => _id);
  }

  aggregate<R extends Document = Document>(pipeline: Document[]): { toArray(): Promise<R[]> } {
    checkPipeline(pipeline);
    return { toArray: async () => this.#aggregate<R>(pipeline) };
  }

  async createIndex(spec: IndexSpecification, options: CreateIndexesOptions = {}): Promise<string> {
    if (options.expireAfterSeconds !== undefined) throw refused('TTL indexes (use an indexed expiresAt and a job)');
    if (options.partialFilterExpression !== undefined) throw refused('partial indexes');
    const fields = sortFields(spec as Sort).map(([path, direction]) => ({ path, direction }));
    const name = options.name ?? fields.map(({ path, direction }) => `${path}_${direction}`).join('_');
    const index = { name, fields, isUnique: options.unique === true, isSparse: options.sparse === true };
    this.#catalog.addIndex(this.#name, index, (added) => {
      for (const { row, document } of this.#matching({}, [])) this.#addKeys(added, row, document);
    });
    await this.#storage.committed();
    return name;
  }

  #aggregate<R extends Document>(pipeline: readonly Document[]): R[] {
    const [first, ...rest] = pipeline;
    const filter: Document = first?.['$match'] ?? {};
    const stages = first?.['$match'] === undefined ? pipeline : rest;
    const source = [...this.#matching(filter, [])].map(({ document }) => document);
    return new Aggregator([...stages], {}).run<R>(source);
  }

  async #update(
    filter: Filter<T>,
    update: UpdateFilter<T>,
    options: { readonly upsert: boolean; readonly limit: number },
  ): Promise<UpdateResult<T>> {
    checkUpdate(update);
    const found = this.#select(filter, [], options.limit);
    if (found.length === 0 && options.upsert) {
      const upsertedId = this.#upsert(filter, update);
      await this.#storage.committed();
      return updated(0, 0, upsertedId);
    }
    let modified = 0;
    try {
      for (const stored of found)
        modified += this.#replace(stored, applyUpdate(stored.document, update, filter, 'update')) ? 1 : 0;
    } finally {
      await this.#storage.committed();
    }
    return updated(found.length, modified, null);
  }

  #upsert(filter: Document, update: Document): InsertOneResult<T>['insertedId'] {
    return this.#insert(withId(applyUpdate(upsertBase(filter), update, filter, 'insert')));
  }

  #insert(document: Document): InsertOneResult<T>['insertedId'] {
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
  #replace(stored: Stored, document: Document): boolean {
    const table = this.#catalog.table(this.#name);
    const before = this.#load(stored.row)?.document ?? {};
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

  #remove({ row }: Stored): void {
    const table = this.#catalog.table(this.#name);
    const document = this.#load(row)?.document ?? {};
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

  #first(filter: Document, sort: SortFields): (Stored & { readonly document: WithId<T> }) | undefined {
    return this.#select(filter, sort, 1)[0];
  }

  #load(row: number): (Stored & { readonly document: WithId<T> }) | undefined {
    const table = this.#catalog.table(this.#name);
    const found = this.#storage.query(`select row, body from ${table.documents} where row = ?`, row)[0];
    return found === undefined ? undefined : this.#decode(found);
  }

  #select(filter: Document, sort: SortFields, limit: number): (Stored & { readonly document: WithId<T> })[] {
    checkFilter(filter);
    const plan = this.#plan(filter, sort);
    const isSorted = sort.length === 0 || (plan.type === 'ranges' && plan.isSorted);
    const found: (Stored & { readonly document: WithId<T> })[] = [];
    let bytes = 0;
    for (const stored of this.#matching(filter, sort)) {
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

  *#matching(filter: Document, sort: SortFields): Iterable<Stored & { readonly document: WithId<T> }> {
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

  #decode(row: Row): Stored & { readonly document: WithId<T> } {
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

function byId(id: unknown): Document {
  return { _id: id };
}

function encode(document: Document, collection: string): Buffer {
  const body = Buffer.from(BSON.serialize(document, { ignoreUndefined: false, checkKeys: false }));
  if (body.length <= maxDocumentBytes) return body;
  throw new MongoServerError({
    message: `A document for ${collection} is ${body.length} bytes; at most ${maxDocumentBytes} are kept`,
    code: bsonTooLarge,
  });
}

function updated<T extends Document>(
  matchedCount: number,
  modifiedCount: number,
  upsertedId: InsertOneResult<T>['insertedId'] | ObjectId | null,
): UpdateResult<T> {
  const id = upsertedId as UpdateResult<T>['upsertedId'];
  return {
    acknowledged: true,
    matchedCount,
    modifiedCount,
    upsertedCount: upsertedId === null ? 0 : 1,
    upsertedId: id,
  };
}

/** The driver's many ways to write a sort, as pairs. */
export function sortFields(sort: Sort | undefined): SortFields {
  if (sort === undefined) return [];
  if (typeof sort === 'string') return [[sort, 1]];
  const pairs: [string, unknown][] = Array.isArray(sort)
    ? sort.map((part): [string, unknown] => (Array.isArray(part) ? [String(part[0]), part[1]] : [String(part), 1]))
    : sort instanceof Map
      ? [...sort]
      : Object.entries(sort);
  return pairs.map(([path, direction]): [string, 1 | -1] => {
    if (direction === 1 || direction === 'asc' || direction === 'ascending') return [path, 1];
    if (direction === -1 || direction === 'desc' || direction === 'descending') return [path, -1];
    throw refused(`the sort or index direction ${JSON.stringify(direction)}`);
  });
}
