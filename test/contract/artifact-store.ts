import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mongoArtifactStore } from '../../engine/mongo/artifact-store.ts';
import type { ArtifactStore } from '../../engine/ports/artifact-store.ts';
import type { Database } from '../../engine/ports/database.ts';

const mebibyte = 2 ** 20;
const hour = 3_600_000;
const roomy = { maxBytes: 64 * mebibyte };

/** What the agents' endpoint relies on in its artifact store, over every database. */
export function artifactStoreContract(
  name: string,
  make: () => Promise<{ readonly database: Database; readonly close: () => Promise<void> }>,
): void {
  describe(`artifact store contract: ${name}`, () => {
    let database: Database;
    let close: () => Promise<void>;
    let store: ArtifactStore;
    let now: Date;
    let tenant: string;

    beforeAll(async () => {
      ({ database, close } = await make());
    });
    afterAll(() => close());
    beforeEach(() => {
      now = new Date('2030-01-01T00:00:00Z');
      tenant = `github:${randomBytes(6).toString('hex')}/ü`;
      store = mongoArtifactStore(database, { now: () => now }, 30 * 24 * hour);
    });

    async function read(digest: string, of = tenant): Promise<Buffer> {
      const parts: Uint8Array[] = [];
      for await (const part of store.get(of, digest)) parts.push(part);
      return Buffer.concat(parts);
    }

    const chunkCount = () => database.collection('artifact-chunks').countDocuments({});

    it('gives back by digest what was put, whatever its size and pieces', async () => {
      for (const size of [0, 1, mebibyte - 1, mebibyte, mebibyte + 1, 5 * mebibyte + 7]) {
        const content = randomBytes(size);
        const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
        expect(await store.put(tenant, pieces(content, 300_001), roomy)).toEqual({ digest, bytes: size });
        expect((await read(digest)).equals(content)).toBe(true);
        expect(await store.has(tenant, digest)).toBe(true);
      }
    });

    it('keeps the same content once, also when two put it at the same moment', async () => {
      const content = randomBytes(2 * mebibyte);
      const puts = await Promise.all(
        [1, 2, 3].map(() => store.put(tenant, pieces(content, 65_536), { ...roomy, upload: 'run/build/1/app' })),
      );
      const before = await chunkCount();
      await store.put(tenant, pieces(content, 1_000_000), { ...roomy, upload: 'run/build/1/app' });
      expect(await chunkCount()).toBe(before);
      expect(new Set(puts.map(({ digest }) => digest)).size).toBe(1);
      expect((await read(puts[0]?.digest ?? '')).equals(content)).toBe(true);
    });

    it('does not show one tenant what another has', async () => {
      const { digest } = await store.put(tenant, pieces(randomBytes(100), 10), roomy);
      expect(await store.has('github:other', digest)).toBe(false);
      await expect(read(digest, 'github:other')).rejects.toMatchObject({ code: 'not-found' });
    });

    it('refuses what is too large, of another digest, or named by no digest', async () => {
      const content = randomBytes(3 * mebibyte);
      await expect(store.put(tenant, pieces(content, 65_536), { maxBytes: 2 * mebibyte })).rejects.toMatchObject({
        code: 'too-large',
      });
      const other = `sha256:${'0'.repeat(64)}`;
      await expect(
        store.put(tenant, pieces(content, 65_536), { ...roomy, expectedDigest: other }),
      ).rejects.toMatchObject({ code: 'invalid' });
      expect(await store.has(tenant, other)).toBe(false);
      await expect(read('../../etc/passwd')).rejects.toMatchObject({ code: 'invalid' });
    });

    it('is no artifact until all of it is there, and goes on where a broken put left off', async () => {
      const content = randomBytes(4 * mebibyte);
      const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
      const before = await chunkCount();
      await expect(
        store.put(tenant, broken(content, 3 * mebibyte), { ...roomy, upload: 'run/build/1/app' }),
      ).rejects.toThrow('went away');
      expect(await store.has(tenant, digest)).toBe(false);
      expect((await chunkCount()) - before).toBe(3);
      await store.put(tenant, pieces(content, 65_536), { ...roomy, upload: 'run/build/1/app' });
      expect((await chunkCount()) - before).toBe(4);
      expect((await read(digest)).equals(content)).toBe(true);
    });

    it('keeps both contents when an upload comes again with another one', async () => {
      const [first, second] = [randomBytes(2 * mebibyte), randomBytes(2 * mebibyte)];
      const put = (content: Buffer) =>
        store.put(tenant, pieces(content, 65_536), { ...roomy, upload: 'run/build/1/app' });
      const [{ digest: one }, { digest: two }] = [await put(first), await put(second)];
      now = new Date(now.getTime() + 2 * hour);
      await store.sweep(new Date(now.getTime() - hour));
      expect((await read(one)).equals(first)).toBe(true);
      expect((await read(two)).equals(second)).toBe(true);
    });

    it('sweeps what was begun and left, and nothing of what is kept or under way', async () => {
      await store.sweep(new Date(now.getTime() + 1));
      const before = await chunkCount();
      const whole = randomBytes(2 * mebibyte);
      const { digest } = await store.put(tenant, pieces(whole, 65_536), roomy);
      await expect(store.put(tenant, broken(randomBytes(4 * mebibyte), 3 * mebibyte), roomy)).rejects.toThrow();
      now = new Date(now.getTime() + 2 * hour);
      await expect(store.put(tenant, broken(randomBytes(mebibyte * 2), mebibyte), roomy)).rejects.toThrow();
      expect(await store.sweep(new Date(now.getTime() - hour))).toBe(2);
      expect((await chunkCount()) - before).toBe(3);
      expect((await read(digest)).equals(whole)).toBe(true);
      expect(await store.sweep(new Date(now.getTime() + 1))).toBe(1);
      expect((await chunkCount()) - before).toBe(2);
    });

    it('lets go of what nobody wants once its time is over, and of its content with it', async () => {
      const days = (count: number) => new Date(Date.parse('2030-01-01T00:00:00Z') + count * 24 * hour);
      const put = (content: Buffer, upload: string) => store.put(tenant, pieces(content, 65_536), { ...roomy, upload });
      const before = await chunkCount();
      const contents = [1, 2, 3].map(() => randomBytes(2 * mebibyte));
      const digests: string[] = [];
      for (const [index, content] of contents.entries())
        digests.push((await put(content, `run/build/${index}/app`)).digest);
      const [old = '', deployed = '', again = ''] = digests;
      const wanted = async (of: string, digest: string) => of !== tenant || digest === deployed;
      now = days(29);
      expect(await store.expire(wanted)).toBe(0);
      // Made once more by a later run.
      await put(contents[2] ?? Buffer.alloc(0), 'run/build/9/app');
      now = days(31);
      expect(await store.expire(wanted)).toBe(1);
      await store.sweep(new Date(now.getTime() - hour));
      expect(await Promise.all([old, deployed, again].map((digest) => store.has(tenant, digest)))).toEqual([
        false,
        true,
        true,
      ]);
      expect(await chunkCount()).toBe(before + 4);
      expect((await read(deployed)).length).toBe(2 * mebibyte);
      now = days(62);
      expect(await store.expire(async (of) => of !== tenant)).toBe(2);
      await store.sweep(new Date(now.getTime() - hour));
      expect(await chunkCount()).toBe(before);
      // What is stored after its end is there again.
      expect((await put(contents[0] ?? Buffer.alloc(0), 'run/build/0/app')).digest).toBe(old);
      expect((await read(old)).equals(contents[0] ?? Buffer.alloc(0))).toBe(true);
    });

    it('makes no artifact of an upload whose beginning was swept while it went on', async () => {
      const content = randomBytes(2 * mebibyte);
      const slow = async function* () {
        yield content.subarray(0, mebibyte);
        await store.sweep(new Date(now.getTime() + 1));
        yield content.subarray(mebibyte);
      };
      await expect(store.put(tenant, slow(), { ...roomy, upload: 'slow' })).rejects.toMatchObject({
        code: 'unavailable',
      });
      const { digest } = await store.put(tenant, pieces(content, 65_536), { ...roomy, upload: 'slow' });
      expect((await read(digest)).equals(content)).toBe(true);
    });
  });
}

async function* pieces(content: Buffer, size: number): AsyncGenerator<Buffer, void> {
  for (let from = 0; from < content.length; from += size) yield content.subarray(from, from + size);
}

/** A sender that dies after so many bytes. */
async function* broken(content: Buffer, bytes: number): AsyncGenerator<Buffer, void> {
  yield* pieces(content.subarray(0, bytes), 65_536);
  throw new Error('The sender went away');
}
