import { type Database, isDuplicateKey } from '../ports/database.ts';
import { EngineError } from '../ports/errors.ts';
import type { Commit, EventStore } from '../ports/event-store.ts';

interface StoredCommit<E> {
  readonly _id: string;
  readonly stream: string;
  readonly version: number;
  readonly commandId: string;
  readonly events: readonly E[];
}

const versionDigits = 8;

/**
 * Streams as one document per commit. The unique `_id`, `<stream>:<version>`, makes a batch atomic without a
 * transaction and is the optimistic lock; it also sorts a stream's commits, so no further index is needed.
 */
export function mongoEventStore<E>(database: Database, collection: string): EventStore<E> {
  const commits = database.collection<StoredCommit<E>>(collection);

  return {
    async append({ stream, version, commandId, events }) {
      const _id = idOf(stream, version);
      try {
        await commits.insertOne(
          { _id, stream, version, commandId, events },
          { writeConcern: { w: 'majority', journal: true } },
        );
        return 'appended';
      } catch (error) {
        // After a lost answer the document may be there all the same: it is ours when it carries our command.
        const landed = await commits.findOne({ _id }).catch((cause: unknown) => {
          throw unknownOutcome(stream, version, cause);
        });
        if (landed !== null) return landed.commandId === commandId ? 'appended' : 'conflict';
        if (isDuplicateKey(error)) return 'conflict';
        throw unknownOutcome(stream, version, error);
      }
    },

    async load(stream, afterVersion) {
      const found = await commits
        .find({ _id: { $gt: idOf(stream, afterVersion), $lt: `${stream};` } })
        .sort({ _id: 1 })
        .toArray();
      found.forEach((commit, index) => {
        if (commit.version === afterVersion + index + 1) return;
        throw new EngineError({
          code: 'unexpected',
          what: `Loading the events of ${stream}`,
          why: `Commit ${afterVersion + index + 1} is missing; the next one kept is ${commit.version}`,
          fix: 'Restore the collection from a backup: commits are never deleted while their run is kept',
        });
      });
      return found.map(
        ({ stream: of, version, commandId, events }): Commit<E> => ({ stream: of, version, commandId, events }),
      );
    },

    async *streams() {
      // By the index of `_id` from one stream's first commit to the next one's: no commit between is read.
      for (let last = ''; ; ) {
        const [first] = await commits
          .find({ _id: { $gt: last } })
          .sort({ _id: 1 })
          .limit(1)
          .toArray();
        if (first === undefined) return;
        yield first.stream;
        last = `${first.stream};`;
      }
    },
  };
}

/** `;` is the character after `:`, so `<stream>;` ends the range of a stream's ids. */
function idOf(stream: string, version: number): string {
  return `${stream}:${String(version).padStart(versionDigits, '0')}`;
}

function unknownOutcome(stream: string, version: number, cause: unknown): EngineError {
  return new EngineError({
    code: 'unavailable',
    what: `Appending commit ${version} of ${stream}`,
    why: 'The database did not say whether it was kept',
    fix: 'It is tried again; check that the database is reachable and has a majority',
    cause,
  });
}
