import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LogSummary } from '../../engine/core/run-events.ts';
import { mongoLogStore } from '../../engine/mongo/log-store.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { LogStore } from '../../engine/ports/log-store.ts';

const day = 24 * 3_600_000;
const nobody = () => false;

/** What agents and readers rely on in the log store, over every database. */
export function logStoreContract(
  name: string,
  make: () => Promise<{ readonly database: Database; readonly close: () => Promise<void> }>,
): void {
  describe(`log store contract: ${name}`, () => {
    let database: Database;
    let close: () => Promise<void>;
    let store: LogStore;
    let now: Date;
    let attempt: { readonly runId: string; readonly stage: string; readonly attempt: number };

    beforeAll(async () => {
      ({ database, close } = await make());
    });
    afterAll(() => close());
    beforeEach(() => {
      now = new Date('2030-01-01T00:00:00Z');
      store = mongoLogStore(database, { now: () => now }, 90 * day);
      attempt = { runId: randomUUID(), stage: 'test ü', attempt: 1 };
    });

    const numbered = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => `line ${from + index}`);
    const summary = (lines: readonly string[]): LogSummary => {
      const text = lines.map((line) => `${line}\n`).join('');
      return { lines: lines.length, bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') };
    };
    async function read(of = store): Promise<string[]> {
      const lines: string[] = [];
      for await (const batch of of.read(attempt, 0)) lines.push(...batch.lines);
      return lines;
    }
    async function keep(from: number, to: number, step: number, of = store): Promise<void> {
      for (let line = from; line < to; line += step) await of.append(attempt, line, numbered(line, line + step));
    }
    /** As a store that lost a write which it had acknowledged. */
    const lose = (firstLine: number) =>
      database.collection<{ _id: string; firstLine: number }>('log-chunks').deleteOne({
        _id: { $gt: `${attempt.runId}:`, $lt: `${attempt.runId};` },
        firstLine,
      });

    it('keeps each line once, however often and in whatever pieces it is told', async () => {
      expect(await store.append(attempt, 0, numbered(0, 10))).toBe(10);
      expect(await store.append(attempt, 5, numbered(5, 15))).toBe(15);
      expect(await store.append(attempt, 0, numbered(0, 3))).toBe(15);
      expect(await store.append(attempt, 15, ['', ''])).toBe(17);
      expect(await read()).toEqual([...numbered(0, 15), '', '']);
      expect(await store.complete(attempt, summary([...numbered(0, 15), '', '']))).toEqual({ isWhole: true });
    });

    it('takes no line past a gap, and says which it wants', async () => {
      await keep(0, 10, 5);
      expect(await store.append(attempt, 12, numbered(12, 14))).toBe(10);
      expect(await read()).toEqual(numbered(0, 10));
    });

    it('takes a log for whole only when all lines are kept, also after a restart', async () => {
      await keep(0, 20, 5);
      expect(await store.complete(attempt, summary(numbered(0, 25)))).toMatchObject({ isWhole: false, resendFrom: 20 });
      const restarted = mongoLogStore(database, { now: () => now }, 90 * day);
      expect(await restarted.complete(attempt, summary(numbered(0, 20)))).toEqual({ isWhole: true });
    });

    it('finds a gap in what was kept, tells readers of it, and is whole once the lines came again', async () => {
      await keep(0, 40, 10);
      await lose(10);
      await lose(30);
      const restarted = mongoLogStore(database, { now: () => now }, 90 * day);
      expect(await restarted.complete(attempt, summary(numbered(0, 40)))).toMatchObject({
        isWhole: false,
        resendFrom: 10,
        why: 'of the 40 lines that the agent sent only the first 10 are kept without a gap',
      });
      expect(await read(restarted)).toEqual([
        ...numbered(0, 10),
        'slipway: lines 11 to 20 are missing here',
        ...numbered(20, 30),
      ]);
      // In other pieces than the first time, and over what is kept already.
      await keep(10, 40, 6, restarted);
      expect(await restarted.complete(attempt, summary(numbered(0, 40)))).toEqual({ isWhole: true });
      expect(await read(restarted)).toEqual(numbered(0, 40));
    });

    it('tells lines that differ from those sent, which sending again would not mend', async () => {
      await keep(0, 10, 5);
      const sent = summary([...numbered(0, 9), 'another line']);
      expect(await store.complete(attempt, sent)).toEqual({
        isWhole: false,
        why: 'what is kept of it is not what the agent sent: their hashes differ',
      });
    });

    it('removes a log once it was kept for as long as logs are, and none before', async () => {
      await keep(0, 20, 5);
      await store.complete(attempt, summary(numbered(0, 20)));
      const old = attempt;
      now = new Date(now.getTime() + 60 * day);
      attempt = { ...attempt, attempt: 2 };
      await keep(0, 5, 5);
      await store.close(attempt, 'its node is gone');
      now = new Date(now.getTime() + 29 * day);
      await store.expire(nobody);
      expect(await read()).toHaveLength(6);
      attempt = old;
      expect(await read()).toEqual(numbered(0, 20));
      now = new Date(now.getTime() + 2 * day);
      expect(await store.expire(nobody)).toBeGreaterThanOrEqual(5);
      expect(await read()).toEqual([]);
      attempt = { ...old, attempt: 2 };
      expect(await read()).toHaveLength(6);
    });

    it('keeps the log of a run that is under way for as long as it is', async () => {
      await keep(0, 20, 5);
      await store.complete(attempt, summary(numbered(0, 20)));
      now = new Date(now.getTime() + 91 * day);
      await store.expire((runId) => runId === attempt.runId);
      expect(await read()).toEqual(numbered(0, 20));
      now = new Date(now.getTime() + 91 * day);
      expect(await store.expire(nobody)).toBeGreaterThanOrEqual(5);
      expect(await read()).toEqual([]);
    });

    it('ends who follows: with a whole log silently, with one that was cut in words', async () => {
      async function followed(end: () => Promise<unknown>): Promise<string[]> {
        const lines: string[] = [];
        let hasBegun = false;
        for await (const batch of store.follow(attempt, 0, AbortSignal.timeout(10_000))) {
          lines.push(...batch.lines);
          if (!hasBegun) await end();
          hasBegun = true;
        }
        return lines;
      }
      await keep(0, 5, 5);
      expect(await followed(() => store.complete(attempt, summary(numbered(0, 5))))).toEqual(numbered(0, 5));
      attempt = { ...attempt, attempt: 2 };
      await keep(0, 5, 5);
      const told = [...numbered(0, 5), 'slipway: this log is not whole: its node is gone'];
      expect(await followed(() => store.close(attempt, 'its node is gone'))).toEqual(told);
      await store.close(attempt, 'something else');
      expect(await read()).toEqual(told);
    });
  });
}
