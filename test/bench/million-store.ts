import { randomBytes } from 'node:crypto';
import { tell } from './child.ts';
import { percentile } from './figures.ts';
import { openStore } from './scratch.ts';

const documents = 1_000_000;
const batch = 5_000;
const finds = 20_000;
const [action, folder] = process.argv.slice(2);
if (folder === undefined) throw new RangeError('Started by the benchmark alone');

if (action === 'fill') {
  const database = openStore(folder);
  const runs = database.collection('runs');
  await runs.createIndex({ number: 1 });
  const filler = randomBytes(1_050).toString('base64');
  const begin = performance.now();
  for (let from = 0; from < documents; from += batch) {
    await runs.insertMany(
      Array.from({ length: batch }, (_, index) => ({
        _id: `run-${from + index}` as never,
        number: from + index,
        team: `team ${(from + index) % 97}`,
        filler,
      })),
    );
  }
  await database.close();
  tell({ seconds: (performance.now() - begin) / 1_000 });
} else {
  const begin = performance.now();
  const database = openStore(folder);
  const runs = database.collection('runs');
  await runs.createIndex({ number: 1 });
  const first = await runs.findOne({ number: documents - 1 });
  const openMs = performance.now() - begin;
  if (first === null) throw new Error('The last document is not there');
  const times: number[] = [];
  for (let count = 0; count < finds; count += 1) {
    const number = Math.floor(Math.random() * documents);
    const at = performance.now();
    const found = await runs.findOne({ number });
    times.push(performance.now() - at);
    if (found?.['number'] !== number) throw new Error(`Document ${number} was not found`);
  }
  tell({
    openMs,
    findP50Ms: percentile(times, 0.5),
    findP99Ms: percentile(times, 0.99),
    rss: process.memoryUsage.rss(),
  });
}
process.disconnect?.();
