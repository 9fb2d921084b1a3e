import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedDatabase } from '../../../app/embedded/database/embedded-database.ts';
import { acquireLease } from '../../../engine/mongo/lease.ts';
import type { Database } from '../../../engine/ports/database.ts';
import type { Lease } from '../../../engine/ports/lease.ts';

const times = { expiresMs: 300, beatMs: 30 };

describe('the lease to lead', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-lease-'));
  let database: ReturnType<typeof openEmbeddedDatabase>;
  const held: Lease[] = [];
  const waits = new AbortController();
  let file = 0;

  beforeEach(() => {
    file += 1;
    database = openEmbeddedDatabase({
      file: join(folder, `${file}.db`),
      onFatal: (error) => {
        throw error;
      },
    });
  });
  afterEach(async () => {
    for (const lease of held.splice(0)) await lease.release();
    await database.close();
    rmSync(join(folder, `${file}.db`), { force: true });
  });

  async function acquire(holder: string, store: Database = database): Promise<Lease> {
    const lease = await acquireLease(
      store,
      { holder, address: holder },
      { times, signal: waits.signal, onLeader: () => undefined, onError: () => undefined },
    );
    if (lease === undefined) throw new Error('The wait was ended');
    held.push(lease);
    return lease;
  }

  /** A database that can be away for a while. */
  function leavable() {
    const away = { is: false };
    const store: Database = {
      ...database,
      collection: (name) => {
        const collection = database.collection(name);
        // The proxy answers as the collection does, whose type depends on the caller.
        return new Proxy(collection, {
          get(target, key) {
            const value: unknown = Reflect.get(target, key);
            if (typeof value !== 'function') return value;
            return (...words: unknown[]): unknown => {
              if (away.is) throw new Error('away');
              return value.apply(target, words);
            };
          },
        }) as never;
      },
    };
    return { away, store };
  }

  it('goes to one of many who ask at the same moment, and to the next when it is given back', async () => {
    let leading = 0;
    const all = Promise.all(
      ['a', 'b', 'c', 'd'].map(async (holder) => {
        const lease = await acquire(holder);
        leading += 1;
        expect(leading).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(lease.isHeld()).toBe(true);
        leading -= 1;
        await lease.release();
        return lease.epoch;
      }),
    );
    expect((await all).sort()).toEqual([1, 2, 3, 4]);
  });

  it('goes to another when its holder cannot renew it, and the holder knows before that', async () => {
    const { away, store } = leavable();
    const first = await acquire('first', store);
    let heldAtTakeover: boolean | undefined;
    const second = acquire('second').then((lease) => {
      heldAtTakeover = first.isHeld();
      return lease;
    });
    away.is = true;
    expect((await second).epoch).toBe(2);
    expect(heldAtTakeover).toBe(false);
    expect(await first.confirmed()).toBe(false);
    away.is = false;
    await first.lost;
    expect(first.isHeld()).toBe(false);
  });

  it('is waited for by who needs it while it could not be renewed for a moment', async () => {
    const { away, store } = leavable();
    const lease = await acquire('only', store);
    away.is = true;
    while (lease.isHeld()) await new Promise((resolve) => setTimeout(resolve, 10));
    const confirmed = lease.confirmed();
    away.is = false;
    expect(await confirmed).toBe(true);
    expect(lease.isHeld()).toBe(true);
  });
});
