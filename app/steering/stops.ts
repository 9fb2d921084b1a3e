import type { RepositoryRef } from '../../engine/core/trigger.ts';
import type { Database } from '../../engine/ports/database.ts';

/** What is kept from being deployed: everything in an environment, or what a pull request brought. */
export type StopSubject =
  | { readonly type: 'environment'; readonly environment: string }
  | { readonly type: 'pull request'; readonly number: number }
  /** The label `skip-deploy`, put on after the merge. */
  | { readonly type: 'label'; readonly number: number };

/** Somebody stopped deploys, for a reason that everybody sees. */
export interface Stop {
  readonly by: string;
  readonly reason: string;
  readonly at: Date;
}

interface StoredStop extends Stop {
  readonly _id: string;
}

/** Locks of environments and holds of pull requests. */
export class Stops {
  readonly #stops;

  constructor(database: Database) {
    this.#stops = database.collection<StoredStop>('stops');
  }

  async find(repository: RepositoryRef, subject: StopSubject): Promise<Stop | undefined> {
    return (await this.#stops.findOne({ _id: idOf(repository, subject) })) ?? undefined;
  }

  async put(repository: RepositoryRef, subject: StopSubject, stop: Stop): Promise<void> {
    await this.#stops.replaceOne({ _id: idOf(repository, subject) }, stop, { upsert: true });
  }

  /** @returns whether there was one */
  async lift(repository: RepositoryRef, subject: StopSubject): Promise<boolean> {
    return (await this.#stops.deleteOne({ _id: idOf(repository, subject) })).deletedCount > 0;
  }

  /** Why a deploy may not start, in words; undefined when it may. */
  async reason(
    repository: RepositoryRef,
    environment: string,
    number: number | undefined,
  ): Promise<string | undefined> {
    const lock = await this.find(repository, { type: 'environment', environment });
    if (lock !== undefined) return `${environment} is locked by ${wordsOf(lock)}`;
    const hold = number === undefined ? undefined : await this.find(repository, { type: 'pull request', number });
    if (hold !== undefined) return `pull request ${number} is held by ${wordsOf(hold)}`;
    const label = number === undefined ? undefined : await this.find(repository, { type: 'label', number });
    return label === undefined ? undefined : `pull request ${number} has the label skip-deploy, by ${label.by}`;
  }
}

function wordsOf({ by, reason }: Stop): string {
  return reason === '' ? by : `${by}: ${reason}`;
}

function idOf({ tenant, id }: RepositoryRef, subject: StopSubject): string {
  return `${tenant}/${id}/${subject.type}/${subject.type === 'environment' ? subject.environment : subject.number}`;
}
