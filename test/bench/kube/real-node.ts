import { createHash, randomBytes } from 'node:crypto';
import { machineAddress } from '../../kube/real-cluster.ts';
import { slipwayImage } from '../../kube/slipway-image.ts';
import { milliseconds, type Print, percentile } from '../figures.ts';
import { inScratch } from '../scratch.ts';
import type { ApiClient } from './api-client.ts';
import { Bed, type BedOptions } from './bed.ts';
import type { CountedCluster } from './fake-cluster.ts';

const image = 'docker.io/local/base:1';
const samples = 9;
const goalP50Ms = 1_500;
const runs = 40;
const linesOfStage = 2_000;
const endWithinMs = 540_000;

const oneStage = `on: { push: {} }
stages:
  a: { image: base, commands: ['echo done'], resources: { cpu: 500m, memory: 128Mi } }
`;
/** Each stage says of itself who it is, so that lines of one in the log of another would show. */
const sixStages = `on: { push: {} }
stages:
${[['a', ''], ...['b1', 'b2', 'b3', 'b4'].map((name) => [name, 'a'] as const), ['c', 'b1, b2, b3, b4']]
  .map(
    ([name, needs]) =>
      `  ${name}: { image: base, needs: [${needs}], resources: { cpu: 50m, memory: 32Mi }, commands: ['for i in $(seq ${linesOfStage}); do echo "${name} says line $i"; done'] }`,
  )
  .join('\n')}
`;
const stagesOfSix = ['a', 'b1', 'b2', 'b3', 'b4', 'c'];

/** What a push costs where containers really start, beside a bare pod. */
export async function benchOneStage(print: Print, cluster: CountedCluster): Promise<void> {
  const pods = await realPods();
  await inScratch(async (folder) => {
    const bed = await Bed.start(cluster, folder, oneStage, { pods });
    bed.only.start();
    const url = await bed.only.ready();
    await bed.warmUp(url);
    const bare: number[] = [];
    const own: number[] = [];
    const toStart: number[] = [];
    for (let round = 0; round < samples; round += 1) {
      bare.push(await bareFirstOutput(cluster.admin));
      bed.forget();
      const [commit] = bed.commits(1);
      if (commit === undefined) throw new RangeError('There is no commit');
      const accepted = await bed.host.deliver(url, commit);
      own.push((await bed.succeeded([commit], 60_000)) - accepted);
      toStart.push(await bed.startedAt(url, commit, 'a').then((at) => at - accepted));
      await bed.podsGone();
    }
    const p50 = percentile(own, 0.5);
    print({
      what: 'one stage on the real node: trigger accepted to result recorded',
      measured: `p50 ${milliseconds(p50)}, its commands started after ${milliseconds(percentile(toStart, 0.5))}; bare pod to its first output p50 ${milliseconds(percentile(bare, 0.5))}`,
      goal: { text: `p50 <= ${goalP50Ms} ms`, isMet: p50 <= goalP50Ms },
    });
    await bed.stop();
  });
}

/** Forty runs of six real stages at once, and each line that they print. */
export async function benchRealRuns(print: Print, cluster: CountedCluster): Promise<void> {
  const pods = await realPods();
  await inScratch(async (folder) => {
    const bed = await Bed.start(cluster, folder, sixStages, { pods });
    bed.only.start();
    const url = await bed.only.ready();
    const commits = bed.commits(runs);
    const allMs = await bed.runAll(url, commits, { withinMs: endWithinMs });
    let incomplete = 0;
    for (const commit of commits) {
      for (const stage of stagesOfSix) {
        const said = Array.from({ length: linesOfStage }, (_, index) => `${stage} says line ${index + 1}`);
        const { text, sha256 } = await bed.logOf(url, commit, stage);
        const isWhole = createHash('sha256').update(text).digest('hex') === sha256;
        if (!isWhole || !text.endsWith(`${said.join('\n')}\n`)) incomplete += 1;
      }
    }
    print({
      what: `${runs} runs at once of 6 real stages on the real node`,
      measured: `all succeeded in ${(allMs / 1_000).toFixed(0)} s; of ${runs * stagesOfSix.length} logs of ${linesOfStage} lines ${incomplete} are not whole by their hash`,
      goal: { text: 'all end right; every log complete', isMet: incomplete === 0 && bed.seen.failed.length === 0 },
    });
    await bed.stop();
  });
}

async function realPods(): Promise<NonNullable<BedOptions['pods']>> {
  return { address: machineAddress, agentImage: await slipwayImage(), images: { base: image } };
}

/** @returns milliseconds from a pod's create to what its own process first says, both by this machine's clock */
async function bareFirstOutput(admin: ApiClient): Promise<number> {
  const name = `bare-${randomBytes(4).toString('hex')}`;
  const pods = '/api/v1/namespaces/default/pods';
  const began = Date.now();
  await admin.must('POST', pods, {
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image, command: ['date', '+%s%3N'] }],
    },
  });
  let said = '';
  while (!/^\d+\n/.test(said)) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { status, text } = await admin.ask('GET', `${pods}/${name}/log`);
    if (status === 200) said = text;
  }
  await admin.must('DELETE', `${pods}/${name}?gracePeriodSeconds=0`);
  return Number(said) - began;
}
