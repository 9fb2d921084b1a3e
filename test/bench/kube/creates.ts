import { type Print, percentile } from '../figures.ts';
import { inScratch } from '../scratch.ts';
import { bareCreatesPerSecond } from './bare-loop.ts';
import { Bed, oneStage } from './bed.ts';
import type { CountedCluster } from './fake-cluster.ts';

const pods = 600;
const rounds = 3;
const goalPerSecond = 100;
const goalShare = 0.9;

/** How fast the cluster accepts pods from one replica whose runs all begin at once, beside a loop of creates. */
export async function benchCreates(print: Print, cluster: CountedCluster): Promise<void> {
  await inScratch(async (folder) => {
    const bed = await Bed.start(cluster, folder, oneStage);
    bed.only.start();
    const url = await bed.only.ready();
    await bed.warmUp(url);
    const bare: number[] = [];
    const own: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await bareCreatesPerSecond(cluster.own, cluster.admin, pods));
      bed.forget();
      await bed.runAll(url, bed.commits(pods));
      own.push(perSecond([...bed.seen.accepted.values()], Math.min(...bed.seen.issued.values())));
      await bed.podsGone();
    }
    const rate = percentile(own, 0.5);
    const share = rate / percentile(bare, 0.5);
    print({
      what: `pod creates accepted, ${pods} runs of one stage at once`,
      measured: `${Math.round(rate)}/s; bare ${Math.round(percentile(bare, 0.5))}/s; share ${share.toFixed(2)}`,
      goal: {
        text: `>= ${goalPerSecond}/s or ${goalShare} of bare`,
        isMet: rate >= goalPerSecond || share >= goalShare,
      },
    });
    await bed.stop();
  });
}

function perSecond(accepted: readonly number[], began: number): number {
  return (accepted.length * 1_000) / (Math.max(...accepted) - began);
}
