import type {
  CreateIndexesOptions,
  DeleteResult,
  Document,
  Filter,
  FindOneAndUpdateOptions,
  IndexSpecification,
  InsertManyResult,
  InsertOneOptions,
  InsertOneResult,
  OptionalUnlessRequiredId,
  ReplaceOptions,
  Sort,
  UpdateFilter,
  UpdateOptions,
  UpdateResult,
  WithId,
  WithoutId,
} from 'mongodb';

/** The part of the driver's cursor that the product uses. */
export interface DocumentCursor<T> extends AsyncIterable<T> {
  sort(sort: Sort): this;
  skip(count: number): this;
  limit(count: number): this;
  project<P extends Document = Document>(projection: Document): DocumentCursor<P>;
  toArray(): Promise<T[]>;
}

/**
 * The part of the driver's `Collection` that the product uses: operators that every MongoDB-compatible server has. A
 * collection of the real driver and one of the embedded database both fit.
 */
export interface DocumentCollection<T extends Document> {
  insertOne(document: OptionalUnlessRequiredId<T>, options?: InsertOneOptions): Promise<InsertOneResult<T>>;
  insertMany(documents: readonly OptionalUnlessRequiredId<T>[]): Promise<InsertManyResult<T>>;
  findOne(filter: Filter<T>): Promise<WithId<T> | null>;
  find(filter: Filter<T>): DocumentCursor<WithId<T>>;
  updateOne(filter: Filter<T>, update: UpdateFilter<T>, options?: UpdateOptions): Promise<UpdateResult<T>>;
  updateMany(filter: Filter<T>, update: UpdateFilter<T>, options?: UpdateOptions): Promise<UpdateResult<T>>;
  replaceOne(
    filter: Filter<T>,
    replacement: WithoutId<T>,
    options?: ReplaceOptions,
  ): Promise<UpdateResult<T> | Document>;
  findOneAndUpdate(
    filter: Filter<T>,
    update: UpdateFilter<T>,
    options: FindOneAndUpdateOptions,
  ): Promise<WithId<T> | null>;
  findOneAndDelete(filter: Filter<T>): Promise<WithId<T> | null>;
  deleteOne(filter: Filter<T>): Promise<DeleteResult>;
  deleteMany(filter: Filter<T>): Promise<DeleteResult>;
  countDocuments(filter: Filter<T>): Promise<number>;
  distinct(key: string, filter: Filter<T>): Promise<unknown[]>;
  aggregate<R extends Document = Document>(pipeline: Document[]): { toArray(): Promise<R[]> };
  createIndex(spec: IndexSpecification, options?: CreateIndexesOptions): Promise<string>;
}

/** The part of the driver's `Db` that the product uses. */
export interface Database {
  collection<T extends Document = Document>(name: string): DocumentCollection<T>;
}

const duplicateKeyCode = 11_000;

/** The write hit a unique index (E11000), `_id` included. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === duplicateKeyCode;
}
