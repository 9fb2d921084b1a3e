import { ObjectId } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Database, type DocumentCollection, isDuplicateKey } from '../../engine/ports/database.ts';

interface Thing {
  _id: string;
  n?: number | null;
  tag?: string;
  tags?: string[];
  at?: Date;
  inner?: { x: number };
  list?: { k: string; v: number }[];
}

/**
 * What the product relies on in its database: every one of them has to behave like this.
 * @param facts `findAndModify: 'racing'`: a server that finds and updates in two steps, so that two may take the same
 * document; nothing in the product is wrong when that happens, since only inserts of a unique `_id` decide
 */
export function databaseContract(
  name: string,
  make: () => Promise<{ readonly database: Database; readonly close: () => Promise<void> }>,
  facts: { readonly findAndModify: 'atomic' | 'racing' } = { findAndModify: 'atomic' },
): void {
  describe(`database contract: ${name}`, () => {
    let database: Database;
    let close: () => Promise<void>;
    let things: DocumentCollection<Thing>;
    let counter = 0;

    beforeAll(async () => {
      ({ database, close } = await make());
    });
    afterAll(() => close());
    beforeEach(() => {
      counter += 1;
      things = database.collection<Thing>(`things_${process.pid}_${Date.now()}_${counter}`);
    });

    it('keeps documents as they were, with dates and object ids', async () => {
      const at = new Date();
      await things.insertOne({ _id: 'a', n: 1.5, at, inner: { x: 2 } });
      expect(await things.findOne({ _id: 'a' })).toEqual({ _id: 'a', n: 1.5, at, inner: { x: 2 } });
      const free = database.collection<{ _id: ObjectId; text: string }>(`free_${process.pid}_${Date.now()}_${counter}`);
      const { insertedId } = await free.insertOne({ _id: new ObjectId(), text: 'x' });
      expect((await free.findOne({ _id: insertedId }))?._id).toBeInstanceOf(ObjectId);
    });

    it('refuses a second document of the same _id as E11000', async () => {
      await things.insertOne({ _id: 'a' });
      const error: unknown = await things.insertOne({ _id: 'a' }).catch((it: unknown) => it);
      expect(isDuplicateKey(error)).toBe(true);
    });

    it('keeps unique indexes, compound ones too', async () => {
      await things.createIndex({ tag: 1, n: 1 }, { unique: true, name: 'tag_n' });
      await things.insertOne({ _id: 'a', tag: 'x', n: 1 });
      await things.insertOne({ _id: 'b', tag: 'x', n: 2 });
      expect(isDuplicateKey(await rejection(things.insertOne({ _id: 'c', tag: 'x', n: 1 })))).toBe(true);
      await expect(things.updateOne({ _id: 'b' }, { $set: { n: 1 } })).rejects.toThrow();
      expect(await things.findOne({ _id: 'b' })).toEqual({ _id: 'b', tag: 'x', n: 2 });
    });

    it('leaves documents without the field out of a sparse unique index', async () => {
      await things.createIndex({ tag: 1 }, { unique: true, sparse: true });
      await things.insertOne({ _id: 'a' });
      await things.insertOne({ _id: 'b' });
      await things.insertOne({ _id: 'c', tag: 'x' });
      expect(isDuplicateKey(await rejection(things.insertOne({ _id: 'd', tag: 'x' })))).toBe(true);
      expect(await things.countDocuments({})).toBe(3);
    });

    it('finds by equality, ranges, sets and ids, sorted, skipped and limited', async () => {
      await things.createIndex({ tag: 1, n: -1 });
      for (let n = 0; n < 20; n += 1)
        await things.insertOne({ _id: `t${String(n).padStart(2, '0')}`, n, tag: n % 2 === 0 ? 'even' : 'odd' });
      const ids = async (found: Promise<Thing[]>) => (await found).map(({ _id }) => _id);
      expect(
        await ids(
          things
            .find({ tag: 'even', n: { $gt: 3, $lte: 8 } })
            .sort({ n: -1 })
            .toArray(),
        ),
      ).toEqual(['t08', 't06', 't04']);
      expect(await ids(things.find({ tag: 'odd' }).sort({ n: 1 }).skip(1).limit(2).toArray())).toEqual(['t03', 't05']);
      expect(
        await ids(
          things
            .find({ _id: { $gte: 't18' } })
            .sort({ _id: 1 })
            .toArray(),
        ),
      ).toEqual(['t18', 't19']);
      expect(
        await ids(
          things
            .find({ n: { $in: [2, 5, 99] } })
            .sort({ _id: 1 })
            .toArray(),
        ),
      ).toEqual(['t02', 't05']);
      expect(
        await ids(
          things
            .find({ tag: { $regex: '^ev' }, n: { $lt: 3 } })
            .sort({ _id: 1 })
            .toArray(),
        ),
      ).toEqual(['t00', 't02']);
      expect(await things.countDocuments({ tag: 'odd' })).toBe(10);
      expect((await things.distinct('tag', {})).sort()).toEqual(['even', 'odd']);
    });

    it('takes null for null and for missing', async () => {
      await things.insertOne({ _id: 'a', n: null });
      await things.insertOne({ _id: 'b' });
      await things.insertOne({ _id: 'c', n: 1 });
      expect(await things.countDocuments({ n: null })).toBe(2);
      expect(await things.countDocuments({ n: { $ne: null } })).toBe(1);
      expect(await things.countDocuments({ n: { $exists: true } })).toBe(2);
    });

    it('finds by elements of arrays', async () => {
      await things.createIndex({ tags: 1 });
      await things.insertOne({ _id: 'a', tags: ['x', 'y'] });
      await things.insertOne({
        _id: 'b',
        tags: ['z'],
        list: [
          { k: 'p', v: 1 },
          { k: 'q', v: 9 },
        ],
      });
      expect((await things.findOne({ tags: 'y' }))?._id).toBe('a');
      expect(await things.countDocuments({ tags: { $in: ['x', 'y'] } })).toBe(1);
      expect((await things.findOne({ 'list.k': 'q' }))?._id).toBe('b');
    });

    it('updates with $set, $inc, $unset, $push, $pull, $addToSet, $min and $max', async () => {
      await things.insertOne({ _id: 'a', n: 1, tag: 'x', tags: ['p'] });
      const result = await things.updateOne(
        { _id: 'a' },
        { $set: { 'inner.x': 5 }, $inc: { n: 2 }, $unset: { tag: '' }, $push: { tags: 'q' } },
      );
      expect(result).toMatchObject({ matchedCount: 1, modifiedCount: 1 });
      await things.updateOne({ _id: 'a' }, { $addToSet: { tags: 'q' } });
      await things.updateOne({ _id: 'a' }, { $pull: { tags: 'p' }, $max: { n: 10 } });
      expect(await things.findOne({ _id: 'a' })).toEqual({ _id: 'a', n: 10, tags: ['q'], inner: { x: 5 } });
      expect(await things.updateOne({ _id: 'a' }, { $set: { n: 10 } })).toMatchObject({
        matchedCount: 1,
        modifiedCount: 0,
      });
      expect(await things.updateOne({ _id: 'none' }, { $set: { n: 10 } })).toMatchObject({ matchedCount: 0 });
    });

    it('upserts with what the filter demands and $setOnInsert', async () => {
      const first = await things.updateOne(
        { _id: 'a', tag: 'x' },
        { $set: { n: 1 }, $setOnInsert: { inner: { x: 1 } } },
        { upsert: true },
      );
      expect(first).toMatchObject({ matchedCount: 0, upsertedId: 'a' });
      await things.updateOne({ _id: 'a' }, { $set: { n: 2 }, $setOnInsert: { inner: { x: 9 } } }, { upsert: true });
      expect(await things.findOne({ _id: 'a' })).toEqual({ _id: 'a', tag: 'x', n: 2, inner: { x: 1 } });
    });

    it('replaces only what the filter allows; an upsert beside it is E11000', async () => {
      await things.replaceOne({ _id: 'a', n: { $lt: 2 } }, { n: 2, tag: 'new' }, { upsert: true });
      expect(await things.findOne({ _id: 'a' })).toEqual({ _id: 'a', n: 2, tag: 'new' });
      const error: unknown = await things
        .replaceOne({ _id: 'a', n: { $lt: 2 } }, { n: 1 }, { upsert: true })
        .catch((it: unknown) => it);
      expect(isDuplicateKey(error)).toBe(true);
    });

    it('finds and updates one, the first by order, before or after', async () => {
      await things.insertOne({ _id: 'a', n: 2 });
      await things.insertOne({ _id: 'b', n: 1 });
      const after = await things.findOneAndUpdate(
        { n: { $gt: 0 } },
        { $inc: { n: 10 } },
        { sort: { n: 1 }, returnDocument: 'after' },
      );
      expect(after).toEqual({ _id: 'b', n: 11 });
      expect(await things.findOneAndUpdate({ _id: 'b' }, { $inc: { n: 1 } }, {})).toEqual({ _id: 'b', n: 11 });
      expect(await things.findOneAndUpdate({ _id: 'c' }, { $set: { n: 1 } }, { returnDocument: 'after' })).toBeNull();
      expect(
        await things.findOneAndUpdate({ _id: 'c' }, { $set: { n: 1 } }, { upsert: true, returnDocument: 'after' }),
      ).toEqual({ _id: 'c', n: 1 });
    });

    it.skipIf(facts.findAndModify === 'racing')('gives one taker each document, however many ask at once', async () => {
      for (let n = 0; n < 20; n += 1) await things.insertOne({ _id: `j${n}`, tag: 'free' });
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_, taker) =>
          things.findOneAndUpdate({ tag: 'free' }, { $set: { tag: `by${taker}` } }, { returnDocument: 'after' }),
        ),
      );
      expect(new Set(taken.map((it) => it?._id)).size).toBe(20);
    });

    it('deletes one or many', async () => {
      for (const _id of ['a', 'b', 'c']) await things.insertOne({ _id, tag: 'x' });
      expect(await things.deleteOne({ _id: 'a' })).toMatchObject({ deletedCount: 1 });
      expect((await things.findOneAndDelete({ _id: 'b' }))?._id).toBe('b');
      expect(await things.deleteMany({ tag: 'x' })).toMatchObject({ deletedCount: 1 });
      expect(await things.countDocuments({})).toBe(0);
    });

    it('groups', async () => {
      for (let n = 0; n < 4; n += 1) await things.insertOne({ _id: `g${n}`, n, tag: n < 3 ? 'x' : 'y' });
      const groups = await things
        .aggregate([
          { $match: { n: { $gt: 0 } } },
          { $group: { _id: '$tag', sum: { $sum: '$n' } } },
          { $sort: { _id: 1 } },
        ])
        .toArray();
      expect(groups).toEqual([
        { _id: 'x', sum: 3 },
        { _id: 'y', sum: 3 },
      ]);
    });

    it('hands out fresh copies', async () => {
      await things.insertOne({ _id: 'a', tags: ['x'] });
      const first = await things.findOne({ _id: 'a' });
      first?.tags?.push('y');
      expect((await things.findOne({ _id: 'a' }))?.tags).toEqual(['x']);
    });

    it('iterates while others write', async () => {
      for (let n = 0; n < 5; n += 1) await things.insertOne({ _id: `i${n}`, n });
      const seen: string[] = [];
      for await (const { _id } of things.find({}).sort({ _id: 1 })) {
        await things.updateOne({ _id }, { $inc: { n: 1 } });
        seen.push(_id);
      }
      expect(seen).toEqual(['i0', 'i1', 'i2', 'i3', 'i4']);
    });
  });
}

function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
