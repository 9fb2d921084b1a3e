import { Aggregator } from 'mingo';
import type { Document, Sort } from 'mongodb';
import type { DocumentCursor } from '../../../engine/ports/database.ts';
import { type SortFields, sortFields } from './sort-fields.ts';

interface Source<T> {
  readonly rows: (sort: SortFields, limit: number) => readonly number[];
  readonly documents: (sort: SortFields, limit: number) => readonly T[];
  readonly load: (row: number) => T | undefined;
}

/** Finds when it is read. Iteration holds row numbers only and loads one document at a time. */
export class EmbeddedCursor<T> implements DocumentCursor<T> {
  readonly #source: Source<T>;
  #sort: SortFields = [];
  #skip = 0;
  #limit = Number.POSITIVE_INFINITY;

  constructor(source: Source<T>) {
    this.#source = source;
  }

  sort(sort: Sort): this {
    this.#sort = sortFields(sort);
    return this;
  }

  skip(count: number): this {
    this.#skip = count;
    return this;
  }

  limit(count: number): this {
    this.#limit = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
    return this;
  }

  project<P extends Document = Document>(projection: Document): DocumentCursor<P> {
    const one = (document: unknown): P | undefined =>
      new Aggregator([{ $project: projection }], {}).run<P>([document])[0];
    const rows = this.#source.rows;
    return new EmbeddedCursor<P>({
      rows,
      documents: (sort, limit) => this.#source.documents(sort, limit).flatMap((document) => one(document) ?? []),
      load: (row) => one(this.#source.load(row)),
    }).#like(this);
  }

  async toArray(): Promise<T[]> {
    return this.#source.documents(this.#sort, this.#skip + this.#limit).slice(this.#skip);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (const row of this.#source.rows(this.#sort, this.#skip + this.#limit).slice(this.#skip)) {
      const document = this.#source.load(row);
      if (document !== undefined) yield document;
    }
  }

  #like(other: EmbeddedCursor<unknown>): this {
    this.#sort = other.#sort;
    this.#skip = other.#skip;
    this.#limit = other.#limit;
    return this;
  }
}
