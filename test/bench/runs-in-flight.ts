import { join } from 'node:path';
import { z } from 'zod';
import { Child } from './child.ts';
import { mebibytes, type Print } from './figures.ts';
import { inScratch } from './scratch.ts';

const goalRss = 300 * 2 ** 20;
const told = z.object({ empty: z.number(), full: z.number(), driven: z.literal(1_000) });

/** Memory of a Slipway that drives a thousand runs, each with a stage that runs and five that wait. */
export async function benchRunsInFlight(print: Print): Promise<void> {
  await inScratch(async (folder) => {
    const child = Child.start(join(import.meta.dirname, 'runs-in-flight-process.ts'), folder);
    const { empty, full } = told.parse(await child.said());
    await child.end();
    print({
      what: 'resident memory, 1,000 runs of 6 stages in flight',
      measured: `${mebibytes(full)}, without runs ${mebibytes(empty)}`,
      goal: { text: '<= 300 MB', isMet: full <= goalRss },
    });
  });
}
