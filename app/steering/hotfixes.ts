import type { RepositoryRef } from '../../engine/core/trigger.ts';
import type { Database } from '../../engine/ports/database.ts';

interface StoredHotfix {
  readonly _id: string;
  readonly headSha: string;
  readonly by: string;
  readonly reason: string;
  readonly at: Date;
}

/** Heads of pull requests that go ahead of everything. One head each: a push revokes it. */
export class Hotfixes {
  readonly #hotfixes;

  constructor(database: Database) {
    this.#hotfixes = database.collection<StoredHotfix>('hotfixes');
  }

  async mark(repository: RepositoryRef, number: number, facts: Omit<StoredHotfix, '_id'>): Promise<void> {
    await this.#hotfixes.replaceOne({ _id: idOf(repository, number) }, facts, { upsert: true });
  }

  async unmark(repository: RepositoryRef, number: number): Promise<void> {
    await this.#hotfixes.deleteOne({ _id: idOf(repository, number) });
  }

  async isHotfix(repository: RepositoryRef, number: number, headSha: string): Promise<boolean> {
    return (await this.#hotfixes.findOne({ _id: idOf(repository, number) }))?.headSha === headSha;
  }
}

function idOf({ tenant, id }: RepositoryRef, number: number): string {
  return `${tenant}/${id}/${number}`;
}
