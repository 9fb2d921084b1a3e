import { mebibytes, type Print } from '../figures.ts';
import { inScratch } from '../scratch.ts';
import { Bed, sixStages } from './bed.ts';
import type { CountedCluster } from './fake-cluster.ts';

const runsEvery = { count: 4, ms: 2_000 };
/** What grows at first is caches and the heap's own size. */
const warmUpShare = 0.25;
const goalMebibytesPerHour = 40;
const goalHandles = 10;

/** Runs that begin steadily, for minutes: what the controller holds stays level. */
export async function benchSteady(print: Print, cluster: CountedCluster, minutes: number): Promise<void> {
  await inScratch(async (folder) => {
    const bed = await Bed.start(cluster, folder, sixStages);
    bed.only.start();
    const url = await bed.only.ready();
    await bed.warmUp(url);
    const samples: { readonly atMs: number; readonly rss: number; readonly handles: number }[] = [];
    const began = performance.now();
    const open: Promise<number>[] = [];
    let runs = 0;
    while (performance.now() - began < minutes * 60_000) {
      runs += runsEvery.count;
      open.push(bed.runAll(url, bed.commits(runsEvery.count), { withinMs: 120_000 }));
      await new Promise((resolve) => setTimeout(resolve, runsEvery.ms));
      const { rss } = bed.only.memory();
      samples.push({ atMs: performance.now() - began, rss, handles: bed.only.openHandles() });
    }
    await Promise.all(open);
    const counted = samples.filter(({ atMs }) => atMs > minutes * 60_000 * warmUpShare);
    const perHour = slope(counted.map(({ atMs, rss }) => [atMs / 3_600_000, rss / 2 ** 20]));
    const last = counted.at(-1);
    print({
      what: `${minutes} minutes of steady load, ${runs} runs of 6 stages: resident memory`,
      measured: `${mebibytes(counted[0]?.rss ?? 0)} to ${mebibytes(last?.rss ?? 0)}, slope ${perHour.toFixed(0)} MiB an hour`,
      ...(minutes < 10
        ? {}
        : { goal: { text: `<= ${goalMebibytesPerHour} MiB an hour`, isMet: perHour <= goalMebibytesPerHour } }),
    });
    const grown = (last?.handles ?? 0) - (counted[0]?.handles ?? 0);
    print({
      what: 'the same: open handles',
      measured: `${counted[0]?.handles} to ${last?.handles}`,
      goal: { text: `at most ${goalHandles} more`, isMet: grown <= goalHandles },
    });
    await bed.stop();
  });
}

/** Of the straight line that lies nearest to the points. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
