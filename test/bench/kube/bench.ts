import { cpus } from 'node:os';
import { printTo } from '../figures.ts';
import { benchBurst } from './burst.ts';
import { benchCreates } from './creates.ts';
import { startFakeCluster } from './fake-cluster.ts';
import { benchRestart } from './restart.ts';
import { benchSixStages } from './six-stages.ts';
import { benchSteady } from './steady.ts';
import { benchTakeover } from './takeover.ts';

const onFakeNodes = {
  'six-stages': benchSixStages,
  creates: benchCreates,
  restart: benchRestart,
  burst: benchBurst,
  takeover: benchTakeover,
  steady: benchSteady,
} as const;

const names = Object.keys(onFakeNodes);
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !names.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`There is no benchmark "${unknown}"; there are: ${names.join(', ')}\n`);
  process.exit(2);
}
const print = printTo(process.stdout);
process.stdout.write(`${cpus().length} processors, which the cluster, the fake nodes and Slipway share\n`);
const cluster = await startFakeCluster();
for (const [name, bench] of Object.entries(onFakeNodes)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  process.stdout.write(`\n${name}\n`);
  await bench(print, cluster);
}
process.exit(0);
