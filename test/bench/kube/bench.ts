import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Print, printTo } from '../figures.ts';
import { benchBurst } from './burst.ts';
import { benchCreates } from './creates.ts';
import { type CountedCluster, startFakeCluster, startRealNode } from './fake-cluster.ts';
import { benchOneStage, benchRealRuns } from './real-node.ts';
import { benchRestart } from './restart.ts';
import { benchSixStages } from './six-stages.ts';
import { benchSteady } from './steady.ts';
import { benchTakeover } from './takeover.ts';

const { values, positionals: asked } = parseArgs({
  options: { minutes: { type: 'string', default: '30' } },
  allowPositionals: true,
});
type Bench = (print: Print, cluster: CountedCluster) => Promise<void>;

const onFakeNodes = {
  'six-stages': benchSixStages,
  creates: benchCreates,
  restart: benchRestart,
  burst: benchBurst,
  takeover: benchTakeover,
  steady: (print: Print, cluster: CountedCluster) => benchSteady(print, cluster, Number(values.minutes)),
} as const;

const onRealNode = { 'one-stage': benchOneStage, 'real-runs': benchRealRuns } as const;

const names = [...Object.keys(onFakeNodes), ...Object.keys(onRealNode)];
const unknown = asked.find((name) => !names.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`There is no benchmark "${unknown}"; there are: ${names.join(', ')}\n`);
  process.exit(2);
}
const print = printTo(process.stdout);
process.stdout.write(`${cpus().length} processors, which the cluster, the fake nodes and Slipway share\n`);
await all(onFakeNodes, startFakeCluster);
await all(onRealNode, startRealNode);
process.exit(0);

async function all(benches: Readonly<Record<string, Bench>>, start: () => Promise<CountedCluster>): Promise<void> {
  const wanted = Object.entries(benches).filter(([name]) => asked.length === 0 || asked.includes(name));
  if (wanted.length === 0) return;
  const cluster = await start();
  try {
    for (const [name, bench] of wanted) {
      process.stdout.write(`\n${name}\n`);
      await bench(print, cluster);
    }
  } finally {
    await cluster.leave();
  }
}
