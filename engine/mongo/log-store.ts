import { createHash, type Hash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { Binary } from 'mongodb';
import type { Clock } from '../ports/clock.ts';
import { type Database, type DocumentCollection, isDuplicateKey } from '../ports/database.ts';
import type { Kept, LogStore } from '../ports/log-store.ts';
import type { AttemptRef } from '../ports/pod-runner.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Lines `firstLine` to `nextLine - 1`, joined by line feeds, compressed. */
interface StoredChunk {
  readonly _id: string;
  readonly firstLine: number;
  readonly nextLine: number;
  readonly text: Binary;
  readonly expiresAt: Date;
}

/** Written when no more of the log will come. */
interface StoredEnd {
  readonly _id: string;
  readonly lines: number;
  readonly missing?: string;
  readonly expiresAt: Date;
}

interface Expiring {
  readonly _id: string;
  readonly expiresAt: Date;
}

/** Where an attempt's log under way stands. */
interface Progress {
  readonly nextLine: number;
  /** Over all lines so far; absent where this process did not keep all of them itself. */
  readonly hash?: Hash;
}

interface Batch {
  readonly firstLine: number;
  readonly lines: readonly string[];
}

const lineDigits = 9;
const followPollMs = 500;
const expireAtOnce = 100;
const expireAtMost = 20_000;

/**
 * Logs as compressed chunks. A chunk's `_id` holds its first line, so the same lines told twice are kept once.
 * @param keptMs how long they are kept
 */
export function mongoLogStore(database: Database, clock: Clock, keptMs: number): LogStore {
  const chunks = database.collection<StoredChunk>('log-chunks');
  const ends = database.collection<StoredEnd>('log-ends');
  /** Each attempt under way; read from the store after a restart. */
  const progress = new Map<string, Progress>();
  const followers = new Map<string, Set<() => void>>();

  async function progressOf(key: string): Promise<Progress> {
    const known = progress.get(key);
    if (known !== undefined) return known;
    const [last] = await chunks.find(rangeOf(key)).sort({ _id: -1 }).limit(1).toArray();
    return last === undefined ? { nextLine: 0, hash: createHash('sha256') } : { nextLine: last.nextLine };
  }

  const inTime = () => new Date(clock.now().getTime() + keptMs);

  function wake(key: string): void {
    for (const follower of followers.get(key) ?? []) follower();
  }

  /** What is kept from a line on, without its overlaps, up to whatever gaps there are. */
  async function* keptFrom(key: string, fromLine: number): AsyncGenerator<Batch> {
    let line = fromLine;
    for await (const chunk of chunks.find(rangeOf(key)).sort({ _id: 1 })) {
      if (chunk.nextLine <= line) continue;
      const lines = (await decompress(chunk.text.value())).toString('utf8').split('\n');
      const firstLine = Math.max(line, chunk.firstLine);
      yield { firstLine, lines: lines.slice(firstLine - chunk.firstLine) };
      line = chunk.nextLine;
    }
  }

  async function* readFrom(key: string, fromLine: number): AsyncGenerator<Batch> {
    let line = fromLine;
    for await (const batch of keptFrom(key, fromLine)) {
      if (batch.firstLine > line)
        yield { firstLine: line, lines: [`slipway: lines ${line + 1} to ${batch.firstLine} are missing here`] };
      yield batch;
      line = batch.firstLine + batch.lines.length;
    }
  }

  /** Reads all that is kept: how many lines there are before the first gap, and the hash over them. */
  async function wholeLines(key: string): Promise<{ readonly lines: number; readonly sha256: string }> {
    const hash = createHash('sha256');
    let lines = 0;
    for await (const batch of keptFrom(key, 0)) {
      if (batch.firstLine > lines) break;
      for (const line of batch.lines) hash.update(`${line}\n`);
      lines += batch.lines.length;
    }
    return { lines, sha256: hash.digest('hex') };
  }

  async function end(key: string, facts: Omit<StoredEnd, '_id' | 'expiresAt'>): Promise<void> {
    const written = { ...facts, expiresAt: inTime() };
    await ends.updateOne({ _id: key }, { $setOnInsert: written }, { upsert: true }).catch((error: unknown) => {
      // Ended by somebody else at this moment.
      if (!isDuplicateKey(error)) throw error;
    });
    progress.delete(key);
    wake(key);
  }

  return {
    async append(attempt, firstLine, lines) {
      const key = keyOf(attempt);
      for (;;) {
        const { nextLine, hash } = await progressOf(key);
        const afterLine = firstLine + lines.length;
        if (firstLine > nextLine || afterLine <= nextLine) return nextLine;
        const fresh = lines.slice(nextLine - firstLine);
        const _id = idOf(key, nextLine);
        const text = new Binary(await compress(Buffer.from(fresh.join('\n'))));
        try {
          await chunks.insertOne({ _id, firstLine: nextLine, nextLine: afterLine, text, expiresAt: inTime() });
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
          // Kept before, by another connection of the same agent or before a gap was found: what stands there counts.
          const there = await chunks.findOne({ _id });
          if (there !== null) progress.set(key, { nextLine: there.nextLine });
          continue;
        }
        for (const line of fresh) hash?.update(`${line}\n`);
        progress.set(key, { nextLine: afterLine, ...(hash === undefined ? {} : { hash }) });
        wake(key);
        return afterLine;
      }
    },

    async *read(attempt, fromLine) {
      const key = keyOf(attempt);
      yield* readFrom(key, fromLine);
      yield* endOf(await ends.findOne({ _id: key }));
    },

    async *follow(attempt, fromLine, signal) {
      const key = keyOf(attempt);
      let line = fromLine;
      while (!signal.aborted) {
        const ended = await ends.findOne({ _id: key });
        for await (const batch of readFrom(key, line)) {
          line = batch.firstLine + batch.lines.length;
          yield batch;
        }
        if (ended !== null) {
          yield* endOf(ended);
          return;
        }
        await news(key, followers, signal);
      }
    },

    async complete(attempt, sent): Promise<Kept> {
      const key = keyOf(attempt);
      const { nextLine, hash } = await progressOf(key);
      const kept = hash === undefined ? await wholeLines(key) : { lines: nextLine, sha256: hash.copy().digest('hex') };
      if (kept.lines === sent.lines && kept.sha256 === sent.sha256) {
        await end(key, { lines: kept.lines });
        return { isWhole: true };
      }
      if (kept.lines >= sent.lines)
        return { isWhole: false, why: 'what is kept of it is not what the agent sent: their hashes differ' };
      progress.set(key, { nextLine: kept.lines });
      const why = `of the ${sent.lines} lines that the agent sent only the first ${kept.lines} are kept without a gap`;
      return { isWhole: false, why, resendFrom: kept.lines };
    },

    async close(attempt, missing) {
      const key = keyOf(attempt);
      const { nextLine: lines } = await progressOf(key);
      await end(key, { lines, ...(missing === undefined ? {} : { missing }) });
    },

    async expire(isWanted) {
      let gone = 0;
      for (const name of ['log-chunks', 'log-ends'])
        gone += await expireFrom(database.collection<Expiring>(name), {
          now: clock.now(),
          keepUntil: inTime(),
          isWanted,
        });
      return gone;
    },
  };
}

/** Some at a time, so that neither a reader nor a writer waits long for it. */
async function expireFrom(
  collection: DocumentCollection<Expiring>,
  facts: { readonly now: Date; readonly keepUntil: Date; readonly isWanted: (runId: string) => boolean },
): Promise<number> {
  const { now, keepUntil: expiresAt, isWanted } = facts;
  await collection.createIndex({ expiresAt: 1 });
  let gone = 0;
  for (let looked = 0; looked < expireAtMost; looked += expireAtOnce) {
    const due = await collection
      .find({ expiresAt: { $lt: now } })
      .sort({ expiresAt: 1 })
      .limit(expireAtOnce)
      .project<{ _id: string }>({ _id: 1 })
      .toArray();
    if (due.length === 0) break;
    const ids = due.map(({ _id }) => _id);
    const wanted = ids.filter((id) => isWanted(runIdOf(id)));
    if (wanted.length > 0) await collection.updateMany({ _id: { $in: wanted } }, { $set: { expiresAt } });
    const { deletedCount } = await collection.deleteMany({ _id: { $in: ids.filter((id) => !wanted.includes(id)) } });
    gone += deletedCount;
  }
  return gone;
}

function* endOf(end: StoredEnd | null): Generator<Batch> {
  if (end?.missing !== undefined)
    yield { firstLine: end.lines, lines: [`slipway: this log is not whole: ${end.missing}`] };
}

/** Resolves when this process keeps a line of that log, or after a while: another process may. */
async function news(key: string, followers: Map<string, Set<() => void>>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const own = followers.get(key) ?? new Set();
  followers.set(key, own.add(resolve));
  const timer = setTimeout(resolve, followPollMs);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
  own.delete(resolve);
  if (own.size === 0) followers.delete(key);
}

function keyOf({ runId, stage, attempt }: AttemptRef): string {
  return `${runId}:${createHash('sha256').update(stage).digest('hex').slice(0, 16)}:${attempt}`;
}

/** Of a key, or an id that begins with one. */
function runIdOf(key: string): string {
  return key.split(':', 1)[0] ?? '';
}

function idOf(key: string, firstLine: number): string {
  return `${key}:${String(firstLine).padStart(lineDigits, '0')}`;
}

/** `;` is the character after `:`. */
function rangeOf(key: string): { readonly _id: { readonly $gt: string; readonly $lt: string } } {
  return { _id: { $gt: `${key}:`, $lt: `${key};` } };
}
