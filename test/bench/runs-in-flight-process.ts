// With all that a running Slipway loads.
import '../../app/main.ts';
import { tell } from './child.ts';
import { createRun, startEngine } from './engine.ts';
import { openStore } from './scratch.ts';

const runs = 1_000;
const [, , folder] = process.argv;
if (folder === undefined) throw new RangeError('Started by the benchmark alone');
const database = openStore(folder);
const empty = process.memoryUsage.rss();
let started = 0;
const allStarted = Promise.withResolvers<void>();
const loop = await startEngine(database, async ({ runId, stage, attempt }) => {
  await loop.send(runId, { type: 'StartStage', stage, attempt });
  started += 1;
  if (started === runs) allStarted.resolve();
});
await Promise.all(Array.from({ length: runs }, (_, index) => createRun(loop, `run${index}`)));
await allStarted.promise;
tell({ empty, full: process.memoryUsage.rss(), driven: loop.drivenRuns().length });
process.disconnect?.();
