import { cpus } from 'node:os';
import { type Print, printTo } from '../figures.ts';
import { benchBurst } from './burst.ts';
import { benchCreates } from './creates.ts';
import { type CountedCluster, startFakeCluster, startRealNode } from './fake-cluster.ts';
import { benchRealNode } from './real-node.ts';
import { benchRestart } from './restart.ts';
import { benchSixStages } from './six-stages.ts';
import { benchSteady } from './steady.ts';
import { benchTakeover } from './takeover.ts';

type Bench = (print: Print, cluster: CountedCluster) => Promise<void>;

const onFakeNodes = {
  'six-stages': benchSixStages,
  creates: benchCreates,
  restart: benchRestart,
  burst: benchBurst,
  takeover: benchTakeover,
  steady: benchSteady,
} as const;

const onRealNode = { 'real-node': benchRealNode } as const;

const names = [...Object.keys(onFakeNodes), ...Object.keys(onRealNode)];
const asked = process.argv.slice(2);
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
