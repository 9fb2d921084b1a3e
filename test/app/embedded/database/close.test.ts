import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openEmbeddedDatabase } from '../../../../app/embedded/database/embedded-database.ts';

it('is closed under those who write: what it acknowledged is there, the rest is refused, and nothing breaks', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-close-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const fatal: unknown[] = [];
  const open = () =>
    openEmbeddedDatabase({ file: join(folder, 'test.db'), onFatal: (error) => void fatal.push(error) });
  const database = open();
  const acknowledged: string[] = [];
  const write = async (writer: number): Promise<void> => {
    for (let count = 0; ; count += 1) {
      const _id = `${writer}-${count}`;
      await database.collection<{ _id: string }>('rows').insertOne({ _id });
      acknowledged.push(_id);
    }
  };
  const writers = Array.from({ length: 8 }, (_, index) => write(index));
  const ends = Promise.allSettled(writers);
  await new Promise((resolve) => setTimeout(resolve, 20));
  // In between the writes of others, and once more in the same breath.
  const closed = database.close();
  const late = database.collection<{ _id: string }>('rows').insertOne({ _id: 'late' });
  await expect(late).rejects.toMatchObject({ code: 'unavailable' });
  await closed;
  for (const end of await ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
  await new Promise((resolve) => setImmediate(resolve));
  expect(fatal).toEqual([]);
  const again = open();
  const kept = await again.collection<{ _id: string }>('rows').find({}).toArray();
  await again.close();
  expect(new Set(kept.map(({ _id }) => _id))).toEqual(new Set(acknowledged));
});
