import { z } from 'zod';
import { startDocumentdb } from '../../contract/documentdb.ts';
import { milliseconds, type Print } from '../figures.ts';
import { inScratch } from '../scratch.ts';
import { Bed, sixStages } from './bed.ts';
import type { CountedCluster } from './fake-cluster.ts';

const runs = 200;
const goalDecisionMs = 5_000;
const goalReplayMs = 2_000;
const tookOver = z.object({
  msg: z.literal('Unfinished runs are taken over'),
  runs: z.number(),
  durationMs: z.number(),
});

/** Two replicas over one database: the one that drives all runs is killed, the other goes on. */
export async function benchTakeover(print: Print, cluster: CountedCluster): Promise<void> {
  const database = await startDocumentdb();
  try {
    await inScratch(async (folder) => {
      const bed = await Bed.start(cluster, folder, sixStages, { replicas: 2, mongodb: database.uri });
      const [first, second] = bed.replicas;
      if (first === undefined || second === undefined) throw new RangeError('There are not two replicas');
      first.start();
      const url = await first.ready();
      second.start();
      await bed.warmUp(url);
      bed.forget();
      const commits = bed.commits(runs);
      await Promise.all(commits.map((commit) => bed.host.deliver(url, commit)));
      await bed.until(() => bed.seen.granted.size >= runs, 60_000);
      await first.kill();
      const killedAt = Date.now();
      const known = new Set(bed.seen.granted.keys());
      await second.ready();
      await bed.until(() => [...bed.seen.granted.keys()].some((pod) => !known.has(pod)), 60_000);
      const decidedAt = Math.min(...[...bed.seen.granted].flatMap(([pod, at]) => (known.has(pod) ? [] : [at])));
      const taken = bed.log.flatMap((line) => tookOver.safeParse(line).data ?? []).at(-1);
      await bed.succeeded(commits, 300_000);
      const decisionMs = decidedAt - killedAt;
      print({
        what: `takeover after kill -9 of the replica that drives ${runs} runs: first new decision`,
        measured: milliseconds(decisionMs),
        goal: { text: `<= ${goalDecisionMs / 1_000} s`, isMet: decisionMs <= goalDecisionMs },
      });
      print({
        what: 'the same: replay of all',
        measured: taken === undefined ? 'not told' : `${milliseconds(taken.durationMs)} for ${taken.runs} runs`,
        goal: { text: `<= ${goalReplayMs / 1_000} s`, isMet: (taken?.durationMs ?? Number.NaN) <= goalReplayMs },
      });
      await bed.stop();
    });
  } finally {
    database.stop();
  }
}
