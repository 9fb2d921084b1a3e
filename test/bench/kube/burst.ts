import { mebibytes, milliseconds, type Print, percentile } from '../figures.ts';
import { inScratch } from '../scratch.ts';
import { bareLoop } from './bare-loop.ts';
import { Bed, sixStages } from './bed.ts';
import type { CountedCluster } from './fake-cluster.ts';

const runs = 1_000;
const withinMs = 10_000;
const hotfixAtMs = 5_000;
const goalIssueMs = 250;
const goalRss = 400 * 2 ** 20;
const goalHotfixMs = 1_000;
const endWithinMs = 900_000;

/** Monday morning: a thousand pushes within ten seconds, and a hotfix among them. */
export async function benchBurst(print: Print, cluster: CountedCluster): Promise<void> {
  await inScratch(async (folder) => {
    const bed = await Bed.start(cluster, folder, sixStages);
    bed.only.start();
    const url = await bed.only.ready();
    await bed.warmUp(url);
    const bare = await bareLoop(cluster.own, cluster.admin, runs);
    bed.forget();
    const hotfix = bed.commits(1, 'hotfix/broken-checkout');
    const pushed = new Promise((resolve) => setTimeout(resolve, hotfixAtMs)).then(async () => {
      const acknowledgedAt = Promise.all(hotfix.map((commit) => bed.host.deliver(url, commit)));
      return (await acknowledgedAt)[0] ?? Number.NaN;
    });
    const allMs = await bed.runAll(url, bed.commits(runs), { spreadMs: withinMs, withinMs: endWithinMs });
    await bed.succeeded(hotfix, endWithinMs);
    const { rss, peak } = bed.only.memory();
    const delays = bed.issueDelays();
    const p99 = percentile(delays, 0.99);
    print({
      what: `${runs} runs of 6 stages delivered within ${withinMs / 1_000} s: all end`,
      measured: `${(allMs / 1_000).toFixed(1)} s; bare ${(bare.allMs / 1_000).toFixed(1)} s; stages that failed ${bed.seen.failed.length}`,
      goal: { text: 'all end', isMet: bed.seen.failed.length === 0 },
    });
    print({
      what: 'the same: dependencies met and slot granted to create issued',
      measured: `p50 ${milliseconds(percentile(delays, 0.5))}, p99 ${milliseconds(p99)}`,
      goal: { text: `p99 <= ${goalIssueMs} ms`, isMet: p99 <= goalIssueMs },
    });
    print({
      what: "the same: the controller's resident memory",
      measured: `${mebibytes(rss)}, at most ${mebibytes(peak)}`,
      goal: { text: '<= 400 MB', isMet: peak <= goalRss },
    });
    const hotfixMs = (bed.firstPodOf(hotfix) ?? Number.NaN) - (await pushed);
    print({
      what: 'the same: a hotfix pushed in the middle, acknowledged to its first pod',
      measured: milliseconds(hotfixMs),
      goal: { text: `<= ${goalHotfixMs} ms`, isMet: hotfixMs <= goalHotfixMs },
    });
    await bed.stop();
  });
}
