import { statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Child } from './child.ts';
import { mebibytes, milliseconds, type Print } from './figures.ts';
import { inScratch } from './scratch.ts';

const filled = z.object({ seconds: z.number() });
const read = z.object({ openMs: z.number(), findP50Ms: z.number(), findP99Ms: z.number(), rss: z.number() });
const goalRss = 400 * 2 ** 20;

/** A store of a million documents of 1.5 kB: opened by a fresh process, then read at random by an index. */
export async function benchMillion(print: Print): Promise<void> {
  await inScratch(async (folder) => {
    const program = join(import.meta.dirname, 'million-store.ts');
    const { seconds } = filled.parse(await Child.start(program, 'fill', folder).said());
    const size = statSync(join(folder, 'bench.db')).size;
    const child = Child.start(program, 'read', folder);
    const { openMs, findP50Ms, findP99Ms, rss } = read.parse(await child.said());
    await child.end();
    print({
      what: '1,000,000 documents of 1.5 kB: written',
      measured: `${seconds.toFixed(1)} s, ${mebibytes(size)} on disk`,
    });
    print({
      what: 'opened, first indexed find answered',
      measured: milliseconds(openMs),
      goal: { text: '<= 2 s', isMet: openMs <= 2_000 },
    });
    print({
      what: 'indexed find',
      measured: `p50 ${milliseconds(findP50Ms)}, p99 ${milliseconds(findP99Ms)}`,
      goal: { text: 'p99 <= 1 ms', isMet: findP99Ms <= 1 },
    });
    print({
      what: 'resident memory after 20,000 finds',
      measured: mebibytes(rss),
      goal: { text: '<= 400 MB', isMet: rss <= goalRss },
    });
  });
}
