import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { documentdbMissing } from '../contract/documentdb.ts';
import { realClusterMissing } from '../kube/real-cluster.ts';
import { embeddedFaultCluster, realFaultCluster } from './fault-cluster.ts';
import { FaultWorld } from './fault-world.ts';
import { head, pageWith, rowOf } from './matrix.ts';
import { scenarios } from './scenarios.ts';

const page = join(import.meta.dirname, '..', '..', 'docs', 'reliability.md');

const { values } = parseArgs({
  options: {
    /** `embedded`, `real`, or `any`: the real one where it can be had. */
    cluster: { type: 'string', default: 'embedded' },
    /** Ids of scenarios, or their beginnings, apart by commas. */
    only: { type: 'string' },
    /** One run stands for all that it takes to kill the controller at each write, and there is less load. */
    short: { type: 'boolean', default: false },
    /** Puts the rows into docs/reliability.md. */
    write: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const clusterName =
  values.cluster === 'any' ? (realClusterMissing === undefined ? 'real' : 'embedded') : values.cluster;
if (clusterName !== 'embedded' && clusterName !== 'real') throw new Error('--cluster is embedded, real or any');
const wanted = scenarios.filter(
  ({ id, clusters }) =>
    clusters.includes(clusterName) &&
    (values.only === undefined || values.only.split(',').some((begin) => id.startsWith(begin))),
);
if (values.list) {
  for (const { id, name } of wanted) console.log(`${id.padEnd(20)} ${name}`);
  process.exit(0);
}
const missing = documentdbMissing ?? (clusterName === 'real' ? realClusterMissing : undefined);
if (missing !== undefined) {
  console.log(`Skipped: ${missing}`);
  process.exit(0);
}
if (values.cluster === 'any' && clusterName === 'embedded')
  console.log(`On the embedded cluster: ${realClusterMissing}`);

const cluster = clusterName === 'real' ? realFaultCluster() : embeddedFaultCluster();
const opening = cluster.then((each) => FaultWorld.open(each));
// Whoever ends a group of processes sends it more than once.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    console.log(`Ends by ${signal}`);
    opening
      .then((each) => each.close())
      .catch((error: unknown) => console.error(error))
      .finally(() => process.exit(1));
  });
const world = await opening;
const rows = new Map<string, string>();
const faults: string[] = [];
let failed = 0;
try {
  for (const scenario of wanted) {
    const begin = Date.now();
    console.log(scenario.name);
    try {
      const outcome = await scenario.run(world, {
        isShort: values.short,
        say: (line) => console.log(`  ${line}`),
      });
      console.log(`  ${outcome.runs} runs in ${Math.round((Date.now() - begin) / 1_000)} s`);
      rows.set(scenario.name, rowOf(scenario, outcome));
      if (values.write) writeFileSync(page, pageWith(readFileSync(page, 'utf8'), clusterName, rows));
      if (outcome.faults.length > 0) failed += 1;
      faults.push(...outcome.faults.map((fault) => `${scenario.id}: ${fault}`));
    } catch (error) {
      failed += 1;
      faults.push(`${scenario.id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      world.striker.disarm();
    }
  }
} finally {
  console.log(`\n${[head(), ...rows.values()].join('\n')}\n`);
  for (const fault of faults) console.log(`!! ${fault}`);
  if (faults.length > 0) console.log(`Logs of the replicas: ${world.keepLogs()}`);
  await world.close();
}
console.log(`${wanted.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
