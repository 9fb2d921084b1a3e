import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { Binary } from 'mongodb';
import { type Database, isDuplicateKey } from '../ports/database.ts';
import { EngineError } from '../ports/errors.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { AttemptRef } from '../ports/pod-runner.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Lines `firstLine` to `nextLine - 1`, joined by line feeds, compressed. */
interface StoredChunk {
  readonly _id: string;
  readonly firstLine: number;
  readonly nextLine: number;
  readonly text: Binary;
}

/** Written when the log is whole. */
interface StoredEnd {
  readonly _id: string;
  readonly lines: number;
}

const lineDigits = 9;
const followPollMs = 500;

/** Logs as compressed chunks. A chunk's `_id` holds its first line, so the same lines told twice are kept once. */
export function mongoLogStore(database: Database): LogStore {
  const chunks = database.collection<StoredChunk>('log-chunks');
  const ends = database.collection<StoredEnd>('log-ends');
  /** Where each attempt under way stands; read from the store after a restart. */
  const next = new Map<string, number>();
  const followers = new Map<string, Set<() => void>>();

  async function nextLine(key: string): Promise<number> {
    const known = next.get(key);
    if (known !== undefined) return known;
    const [last] = await chunks.find(rangeOf(key)).sort({ _id: -1 }).limit(1).toArray();
    return last?.nextLine ?? 0;
  }

  function wake(key: string): void {
    for (const follower of followers.get(key) ?? []) follower();
  }

  async function* readFrom(key: string, fromLine: number): AsyncGenerator<{ firstLine: number; lines: string[] }> {
    for await (const chunk of chunks.find(rangeOf(key)).sort({ _id: 1 })) {
      if (chunk.nextLine <= fromLine) continue;
      const lines = (await decompress(chunk.text.value())).toString('utf8').split('\n');
      const skip = Math.max(0, fromLine - chunk.firstLine);
      yield { firstLine: chunk.firstLine + skip, lines: lines.slice(skip) };
    }
  }

  return {
    async append(attempt, firstLine, lines) {
      const key = keyOf(attempt);
      const expected = await nextLine(key);
      const end = firstLine + lines.length;
      if (firstLine > expected) {
        throw new EngineError({
          code: 'conflict',
          what: `Keeping the log of ${attempt.stage} in run ${attempt.runId}`,
          why: `Line ${expected} is missing before line ${firstLine}`,
          fix: 'The agent sends again from the line last acknowledged',
        });
      }
      if (end <= expected) return expected;
      const fresh = lines.slice(expected - firstLine);
      const text = new Binary(await compress(Buffer.from(fresh.join('\n'))));
      try {
        await chunks.insertOne({ _id: idOf(key, expected), firstLine: expected, nextLine: end, text });
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        // Another connection of the same agent was quicker: what stands there counts.
        next.delete(key);
        return nextLine(key);
      }
      next.set(key, end);
      wake(key);
      return end;
    },

    async *read(attempt, fromLine) {
      yield* readFrom(keyOf(attempt), fromLine);
    },

    async *follow(attempt, fromLine, signal) {
      const key = keyOf(attempt);
      let line = fromLine;
      while (!signal.aborted) {
        const isWhole = (await ends.findOne({ _id: key })) !== null;
        for await (const batch of readFrom(key, line)) {
          line = batch.firstLine + batch.lines.length;
          yield batch;
        }
        if (isWhole) return;
        await news(key, followers, signal);
      }
    },

    async complete(attempt) {
      const key = keyOf(attempt);
      await ends.replaceOne({ _id: key }, { lines: await nextLine(key) }, { upsert: true });
      next.delete(key);
      wake(key);
    },
  };
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

function idOf(key: string, firstLine: number): string {
  return `${key}:${String(firstLine).padStart(lineDigits, '0')}`;
}

/** `;` is the character after `:`. */
function rangeOf(key: string): { readonly _id: { readonly $gt: string; readonly $lt: string } } {
  return { _id: { $gt: `${key}:`, $lt: `${key};` } };
}
