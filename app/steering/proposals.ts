import type { RepositoryRef } from '../../engine/core/trigger.ts';
import type { Database } from '../../engine/ports/database.ts';

/** A deploy that a person asked for, shown to them in a comment of its own, not yet confirmed. */
export interface Proposal {
  readonly number: number;
  readonly commentId: string;
  /** SHA-256 of the comment as it stood. */
  readonly hash: string;
  readonly kind: 'rollback' | 'deploy';
  readonly environment: string;
  /** Where the revision was live. */
  readonly from: string;
  readonly revision: number;
  /** `<revision> <digest>` that the environment ran when it was shown. */
  readonly live: string;
  readonly at: Date;
}

interface StoredProposal extends Proposal {
  readonly _id: string;
  readonly repository: RepositoryRef;
  readonly subject: string;
  readonly isOpen: boolean;
}

const openForMs = 3_600_000;

/** Deploys that wait to be confirmed. */
export class Proposals {
  readonly #proposals;

  constructor(database: Database) {
    this.#proposals = database.collection<StoredProposal>('proposals');
  }

  async prepare(): Promise<void> {
    await this.#proposals.createIndex({ subject: 1, at: 1 });
    await this.#proposals.createIndex({ isOpen: 1, at: 1 });
  }

  /** The newest one alone is open in a pull request: nobody confirms what they did not mean. */
  async open(repository: RepositoryRef, proposal: Proposal): Promise<void> {
    const subject = subjectOf(repository, proposal.number);
    await this.#proposals.updateMany({ subject, isOpen: true }, { $set: { isOpen: false } });
    const stored = { ...proposal, repository, subject, isOpen: true };
    await this.#proposals.replaceOne({ _id: idOf(repository, proposal.commentId) }, stored, { upsert: true });
  }

  /** @param commentId absent: the open one of the pull request */
  async find(repository: RepositoryRef, number: number, now: Date, commentId?: string): Promise<Proposal | undefined> {
    const after = new Date(now.getTime() - openForMs);
    const found = await this.#proposals.findOne({
      subject: subjectOf(repository, number),
      isOpen: true,
      at: { $gte: after },
      ...(commentId === undefined ? {} : { commentId }),
    });
    return found ?? undefined;
  }

  /** All that may be answered by a reaction, oldest first. */
  async allOpen(now: Date, limit: number): Promise<readonly (Proposal & { readonly repository: RepositoryRef })[]> {
    const after = new Date(now.getTime() - openForMs);
    return this.#proposals
      .find({ isOpen: true, at: { $gte: after } })
      .sort({ at: 1 })
      .limit(limit)
      .toArray();
  }

  async close(repository: RepositoryRef, commentId: string): Promise<void> {
    await this.#proposals.updateOne({ _id: idOf(repository, commentId) }, { $set: { isOpen: false } });
  }
}

function subjectOf({ tenant, id }: RepositoryRef, number: number): string {
  return `${tenant}/${id}/${number}`;
}

function idOf({ tenant, id }: RepositoryRef, commentId: string): string {
  return `${tenant}/${id}/${commentId}`;
}
