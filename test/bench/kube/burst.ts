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
    const hotfix = bed.host.merge('main');
    await bed.host.labelHotfix(url, hotfix);
    const bare = await bareLoop(cluster.own, cluster.admin, runs);
    bed.forget();
    const pushed = new Promise((resolve) => setTimeout(resolve, hotfixAtMs)).then(() => bed.host.deliver(url, hotfix));
    const allMs = await bed.runAll(url, bed.commits(runs), { spreadMs: withinMs, withinMs: endWithinMs });
    await bed.succeeded([hotfix], endWithinMs);
    const { lane } = await bed.run(url, hotfix);
    if (lane !== 'hotfix') throw new Error(`The hotfix was on the lane ${lane}`);
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
    const hotfixMs = (bed.firstPodOf([hotfix]) ?? Number.NaN) - (await pushed);
    print({
      what: 'the same: a hotfix merged in the middle, acknowledged to its first pod',
      measured: milliseconds(hotfixMs),
      goal: { text: `<= ${goalHotfixMs} ms`, isMet: hotfixMs <= goalHotfixMs },
    });
    await bed.stop();
  });
}
