import { milliseconds, type Print, percentile } from '../figures.ts';
import { inScratch } from '../scratch.ts';
import { type BareTimes, bareLoop } from './bare-loop.ts';
import { Bed, sixStages } from './bed.ts';
import type { CountedCluster } from './fake-cluster.ts';

const runs = 200;
const idleRuns = 5;
const rounds = 1;
const goalRatio = 1.5;
const goalGapMs = 20;

/** Runs of a -> 4 at once -> c, each stage a second: two hundred at once, and one alone; each beside the bare loop. */
export async function benchSixStages(print: Print, cluster: CountedCluster): Promise<void> {
  await inScratch(async (folder) => {
    const bed = await Bed.start(cluster, folder, sixStages);
    bed.only.start();
    const url = await bed.only.ready();
    await bed.warmUp(url);

    const idleBare: number[] = [];
    const idle: number[] = [];
    const idleParts: GapParts[] = [];
    for (let round = 0; round < idleRuns; round += 1) {
      idleBare.push(...(await bareLoop(cluster.own, cluster.admin, 1)).gapMs);
      bed.forget();
      await bed.runAll(url, bed.commits(1));
      idle.push(...bed.gaps());
      idleParts.push(bed.gapParts());
    }
    const p50 = percentile(idle, 0.5);
    print({
      what: "six stages, one run, idle: a stage's end reported to the next pod there",
      measured: `p50 ${milliseconds(p50)}, p99 ${milliseconds(percentile(idle, 0.99))}; bare ${gapsOf(idleBare)}`,
      goal: { text: `p50 <= ${goalGapMs} ms`, isMet: p50 <= goalGapMs },
    });
    print({ what: 'the same, in its parts', measured: partsOf(idleParts) });

    const bare: BareTimes[] = [];
    const own: { readonly allMs: number; readonly gaps: readonly number[] }[] = [];
    const parts: GapParts[] = [];
    let writes = 0;
    const cpuBefore = bed.only.cpuSeconds();
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await bareLoop(cluster.own, cluster.admin, runs));
      bed.forget();
      const before = await cluster.writes();
      own.push({ allMs: await bed.runAll(url, bed.commits(runs)), gaps: bed.gaps() });
      parts.push(bed.gapParts());
      await bed.podsGone();
      writes += (await cluster.writes()) - before;
    }
    const ratios = own.map(({ allMs }, round) => allMs / (bare[round]?.allMs ?? Number.NaN));
    const ratio = Math.min(...ratios);
    print({
      what: `six stages, ${runs} runs at once: all recorded as done`,
      measured: `${seconds(own)}; bare ${seconds(bare)}; ratio ${ratios.map((each) => each.toFixed(2)).join(', ')}`,
      goal: { text: `<= ${goalRatio} times bare`, isMet: ratio <= goalRatio },
    });
    print({
      what: "the same: a stage's end reported to the next pod there",
      measured: `${gapsOf(own.flatMap(({ gaps }) => gaps))}; bare ${gapsOf(bare.flatMap(({ gapMs }) => gapMs))}`,
    });
    print({ what: 'the same, in its parts', measured: partsOf(parts) });
    const perStage = writes / (rounds * runs * 6);
    print({
      what: 'the same: writes to the Kubernetes API by Slipway, a stage',
      measured: perStage.toFixed(2),
      goal: { text: '<= 3', isMet: perStage <= 3 },
    });
    const { rss, peak } = bed.only.memory();
    print({
      what: "the same: the controller's memory and processor",
      measured: `${Math.round(rss / 2 ** 20)} MiB, at most ${Math.round(peak / 2 ** 20)} MiB; ${((bed.only.cpuSeconds() - cpuBefore) / rounds).toFixed(1)} s of CPU`,
    });
    print({
      what: "the same: the cluster's time to make an agent's token",
      measured: `p50 ${milliseconds(percentile(bed.agents.tokenMs, 0.5))}, p99 ${milliseconds(percentile(bed.agents.tokenMs, 0.99))}`,
    });
    await bed.stop();
  });
}

type GapParts = ReturnType<Bed['gapParts']>;

function partsOf(all: readonly GapParts[]): string {
  const of = (part: keyof GapParts) => gapsOf(all.flatMap((each) => each[part]));
  return `to the grant ${of('granted')}; to the create ${of('issued')}; to its answer ${of('accepted')}`;
}

function seconds(times: readonly { readonly allMs: number }[]): string {
  return times.map(({ allMs }) => `${(allMs / 1_000).toFixed(1)} s`).join(', ');
}

function gapsOf(samples: readonly number[]): string {
  return `p50 ${milliseconds(percentile(samples, 0.5))}, p99 ${milliseconds(percentile(samples, 0.99))}`;
}
