import { milliseconds, type Print, percentile } from '../figures.ts';
import { inScratch } from '../scratch.ts';
import { Bed, sixStages } from './bed.ts';
import type { CountedCluster } from './fake-cluster.ts';

const runs = 20;
const rounds = 5;
const goalMs = 1_000;

/** The only replica is killed while runs are under way, and started at once. */
export async function benchRestart(print: Print, cluster: CountedCluster): Promise<void> {
  await inScratch(async (folder) => {
    const bed = await Bed.start(cluster, folder, sixStages);
    bed.only.start();
    const url = await bed.only.ready();
    await bed.warmUp(url);
    const samples: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bed.forget();
      const commits = bed.commits(runs);
      await Promise.all(commits.map((commit) => bed.host.deliver(url, commit)));
      // In the middle: the commands of all first stages run, so what comes next waits for the new process alone.
      await bed.until(() => bed.seen.begun.size >= runs, 60_000);
      await bed.only.kill();
      const killedAt = Date.now();
      bed.only.start();
      const reportedBefore = new Set([...bed.seen.reported.keys()].map((key) => key.split('/')[0]));
      // What the killed process still asked for is told late.
      const newPods = () =>
        [...bed.seen.podAdded.values()].flatMap(({ runId, at }) =>
          at > killedAt && !reportedBefore.has(runId) ? [at - killedAt] : [],
        );
      await bed.until(() => newPods().length > 0, 60_000);
      samples.push(Math.min(...newPods()));
      await bed.only.ready();
      await bed.succeeded(commits, 120_000);
    }
    const p50 = percentile(samples, 0.5);
    print({
      what: 'the only replica killed and started at once: first new pod',
      measured: `p50 ${milliseconds(p50)}, of ${samples.map((each) => Math.round(each)).join(', ')}`,
      goal: { text: `<= ${goalMs} ms`, isMet: p50 <= goalMs },
    });
    await bed.stop();
  });
}
