import { Aggregator } from 'mingo';
import type {
  CreateIndexesOptions,
  DeleteResult,
  Document,
  Filter,
  FindOneAndUpdateOptions,
  IndexSpecification,
  InsertManyResult,
  InsertOneResult,
  ObjectId,
  OptionalUnlessRequiredId,
  ReplaceOptions,
  Sort,
  UpdateFilter,
  UpdateOptions,
  UpdateResult,
  WithId,
  WithoutId,
} from 'mongodb';
import type { DocumentCollection } from '../../../engine/ports/database.ts';
import { applyUpdate, upsertBase, withId } from './apply-update.ts';
import type { Catalog } from './catalog.ts';
import { EmbeddedCursor } from './cursor.ts';
import { Documents } from './documents.ts';
import { sortFields } from './sort-fields.ts';
import type { Storage } from './storage.ts';
import { checkPipeline, checkUpdate, refused } from './supported-operators.ts';

/** Documents of one collection, by the driver's own methods. */
export class EmbeddedCollection<T extends Document> implements DocumentCollection<T> {
  readonly #documents: Documents<T>;
  readonly #storage: Storage;

  constructor(name: string, catalog: Catalog, storage: Storage) {
    this.#documents = new Documents(name, catalog, storage);
    this.#storage = storage;
  }

  async insertOne(document: OptionalUnlessRequiredId<T>): Promise<InsertOneResult<T>> {
    const insertedId = this.#documents.insert(withId(document));
    await this.#storage.committed();
    return { acknowledged: true, insertedId };
  }

  async insertMany(documents: readonly OptionalUnlessRequiredId<T>[]): Promise<InsertManyResult<T>> {
    const insertedIds: InsertManyResult<T>['insertedIds'] = {};
    try {
      for (const [index, document] of documents.entries())
        insertedIds[index] = this.#documents.insert(withId(document));
    } finally {
      await this.#storage.committed();
    }
    return { acknowledged: true, insertedCount: documents.length, insertedIds };
  }

  async findOne(filter: Filter<T>): Promise<WithId<T> | null> {
    return this.#documents.first(filter, [])?.document ?? null;
  }

  find(filter: Filter<T>): EmbeddedCursor<WithId<T>> {
    return new EmbeddedCursor({
      rows: (sort, limit) => this.#documents.select(filter, sort, limit).map(({ row }) => row),
      documents: (sort, limit) => this.#documents.select(filter, sort, limit).map(({ document }) => document),
      load: (row) => this.#documents.load(row)?.document,
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
    const found = this.#documents.first(filter, []);
    if (found === undefined) {
      if (options.upsert !== true) return updated(0, 0, null);
      const { _id } = upsertBase(filter);
      const upsertedId = this.#documents.insert(
        withId(_id === undefined ? { ...replacement } : { _id, ...replacement }),
      );
      await this.#storage.committed();
      return updated(0, 0, upsertedId);
    }
    const hasChanged = this.#documents.replace(found, { _id: found.document['_id'], ...replacement });
    await this.#storage.committed();
    return updated(1, hasChanged ? 1 : 0, null);
  }

  async findOneAndUpdate(
    filter: Filter<T>,
    update: UpdateFilter<T>,
    options: FindOneAndUpdateOptions,
  ): Promise<WithId<T> | null> {
    checkUpdate(update);
    const found = this.#documents.first(filter, sortFields(options.sort));
    if (found === undefined) {
      if (options.upsert !== true) return null;
      const inserted = this.#upsert(filter, update);
      await this.#storage.committed();
      return options.returnDocument === 'after'
        ? (this.#documents.first({ _id: inserted }, [])?.document ?? null)
        : null;
    }
    const before = this.#documents.load(found.row)?.document ?? null;
    this.#documents.replace(found, applyUpdate(found.document, update, filter, 'update'));
    await this.#storage.committed();
    return options.returnDocument === 'after' ? (this.#documents.load(found.row)?.document ?? null) : before;
  }

  async findOneAndDelete(filter: Filter<T>): Promise<WithId<T> | null> {
    const found = this.#documents.first(filter, []);
    if (found === undefined) return null;
    this.#documents.remove(found);
    await this.#storage.committed();
    return found.document;
  }

  async deleteOne(filter: Filter<T>): Promise<DeleteResult> {
    const found = this.#documents.first(filter, []);
    if (found !== undefined) this.#documents.remove(found);
    await this.#storage.committed();
    return { acknowledged: true, deletedCount: found === undefined ? 0 : 1 };
  }

  async deleteMany(filter: Filter<T>): Promise<DeleteResult> {
    const found = this.#documents.select(filter, [], Number.POSITIVE_INFINITY);
    for (const stored of found) this.#documents.remove(stored);
    await this.#storage.committed();
    return { acknowledged: true, deletedCount: found.length };
  }

  async countDocuments(filter: Filter<T>): Promise<number> {
    if (Object.keys(filter).length === 0) return this.#documents.count();
    let count = 0;
    for (const _ of this.#documents.matching(filter, [])) count += 1;
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
    this.#documents.addIndex(index);
    await this.#storage.committed();
    return name;
  }

  #aggregate<R extends Document>(pipeline: readonly Document[]): R[] {
    const [first, ...rest] = pipeline;
    const filter: Document = first?.['$match'] ?? {};
    const stages = first?.['$match'] === undefined ? pipeline : rest;
    const source = [...this.#documents.matching(filter, [])].map(({ document }) => document);
    return new Aggregator([...stages], {}).run<R>(source);
  }

  async #update(
    filter: Filter<T>,
    update: UpdateFilter<T>,
    options: { readonly upsert: boolean; readonly limit: number },
  ): Promise<UpdateResult<T>> {
    checkUpdate(update);
    const found = this.#documents.select(filter, [], options.limit);
    if (found.length === 0 && options.upsert) {
      const upsertedId = this.#upsert(filter, update);
      await this.#storage.committed();
      return updated(0, 0, upsertedId);
    }
    let modified = 0;
    try {
      for (const stored of found)
        modified += this.#documents.replace(stored, applyUpdate(stored.document, update, filter, 'update')) ? 1 : 0;
    } finally {
      await this.#storage.committed();
    }
    return updated(found.length, modified, null);
  }

  #upsert(filter: Document, update: Document): InsertOneResult<T>['insertedId'] {
    return this.#documents.insert(withId(applyUpdate(upsertBase(filter), update, filter, 'insert')));
  }
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
