import { createHash } from 'node:crypto';
import type { Person, RepositoryRef } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import { type Database, isDuplicateKey } from '../../engine/ports/database.ts';

/** Who tried what, when, on which commit and policy, and what came of it. */
export interface AuditEntry {
  readonly at: Date;
  readonly tenant: string;
  readonly repositoryId: string;
  /** `owner/name`. */
  readonly repository: string;
  readonly who: Person;
  /** The command as it was understood, such as `approve production`. */
  readonly what: string;
  readonly outcome: 'done' | 'denied' | 'refused';
  /** Why it was denied or refused; what was done. */
  readonly why: string;
  /** Where: of the pull request. */
  readonly number?: number;
  readonly headSha?: string;
  /** The commit that the policy was read at. */
  readonly policySha?: string;
  readonly runId?: string;
}

interface StoredEntry extends AuditEntry {
  readonly _id: string;
  readonly expiresAt: Date;
}

const keptMs = 365 * 24 * 3_600_000;
const maxWhyChars = 1_000;

/** What people asked for, kept for 12 months. */
export class Audit {
  readonly #entries;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#entries = database.collection<StoredEntry>('audit');
    this.#clock = clock;
  }

  async prepare(): Promise<void> {
    await this.#entries.createIndex({ at: 1 });
    await this.#entries.createIndex({ repository: 1, at: 1 });
    await this.#entries.createIndex({ expiresAt: 1 });
  }

  /** @param key what tells this attempt from every other one: told again, it is kept once */
  async record(
    key: string,
    repository: RepositoryRef,
    facts: Omit<AuditEntry, 'at' | 'tenant' | 'repositoryId' | 'repository'>,
  ): Promise<void> {
    const at = this.#clock.now();
    try {
      await this.#entries.insertOne({
        _id: createHash('sha256').update(`${repository.tenant}/${repository.id}/${key}`).digest('hex'),
        at,
        tenant: repository.tenant,
        repositoryId: repository.id,
        repository: `${repository.owner}/${repository.name}`,
        ...facts,
        why: facts.why.slice(0, maxWhyChars),
        expiresAt: new Date(at.getTime() + keptMs),
      });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  /** Newest first. */
  async find(
    filter: { readonly repository?: string; readonly outcome?: AuditEntry['outcome'] },
    limit: number,
  ): Promise<readonly AuditEntry[]> {
    const found = await this.#entries.find(filter).sort({ at: -1 }).limit(limit).toArray();
    return found.map(({ _id, expiresAt: _, ...entry }) => entry);
  }

  async expire(): Promise<number> {
    const { deletedCount } = await this.#entries.deleteMany({ expiresAt: { $lte: this.#clock.now() } });
    return deletedCount;
  }
}
