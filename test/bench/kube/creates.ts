import { type Print, percentile } from '../figures.ts';
import { inScratch } from '../scratch.ts';
import { bareCreatesPerSecond } from './bare-loop.ts';
import { Bed } from './bed.ts';
import type { CountedCluster } from './fake-cluster.ts';

const runs = 15;
const wide = 40;
const pods = runs * wide;
const rounds = 2;
/** All creates are due in one moment, when the first stages end: what comes before them is measured elsewhere. */
const pipeline = `on: { push: {} }
stages:
  a: { commands: [make] }
${Array.from({ length: wide }, (_, index) => `  b${index}: { needs: [a], commands: [make] }`).join('\n')}
`;
const goalPerSecond = 100;
const goalShare = 0.9;

/** How fast the cluster accepts pods from one replica that has hundreds to make, beside a loop of creates. */
export async function benchCreates(print: Print, cluster: CountedCluster): Promise<void> {
  await inScratch(async (folder) => {
    const bed = await Bed.start(cluster, folder, pipeline);
    bed.only.start();
    const url = await bed.only.ready();
    await bed.warmUp(url);
    const bare: number[] = [];
    const own: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await bareCreatesPerSecond(cluster.own, cluster.admin, pods));
      bed.forget();
      await bed.runAll(url, bed.commits(runs));
      const made = [...bed.seen.podAdded].flatMap(([name, { stage }]) => (stage === 'a' ? [] : [name]));
      const times = (seen: ReadonlyMap<string, number>) => made.flatMap((name) => seen.get(name) ?? []);
      own.push((made.length * 1_000) / (Math.max(...times(bed.seen.accepted)) - Math.min(...times(bed.seen.issued))));
      await bed.podsGone();
    }
    const rate = percentile(own, 0.5);
    const share = rate / percentile(bare, 0.5);
    print({
      what: `pod creates accepted, ${pods} stages ready at once`,
      measured: `${Math.round(rate)}/s; bare ${Math.round(percentile(bare, 0.5))}/s; share ${share.toFixed(2)}`,
      goal: {
        text: `>= ${goalPerSecond}/s or ${goalShare} of bare`,
        isMet: rate >= goalPerSecond || share >= goalShare,
      },
    });
    await bed.stop();
  });
}
