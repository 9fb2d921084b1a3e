import { openEmbeddedDatabase } from '../../../../app/embedded/database/embedded-database.ts';

/** Writes numbered documents for ever, ten at once, and says each number once it was acknowledged. */
const [, , file] = process.argv;
if (file === undefined) throw new RangeError('Started by a test alone');
const database = openEmbeddedDatabase({
  file,
  onFatal: (error) => {
    process.send?.({ fatal: error.code, why: error.message });
    process.exit(70);
  },
});
const notes = database.collection<{ _id: string; text: string }>('notes');
await notes.createIndex({ text: 1 });
const first = await notes.countDocuments({});
await Promise.all(
  Array.from({ length: 10 }, async (_, lane) => {
    for (let n = 0; ; n += 1) {
      const _id = `${process.pid}-${first}-${lane}-${n}`;
      await notes.insertOne({ _id, text: 'x'.repeat(2_000) }).catch(() => new Promise(() => undefined));
      process.send?.({ kept: _id });
    }
  }),
);
