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
    /** `embedded` or `real`. */
    cluster: { type: 'string', default: 'embedded' },
    /** Ids of scenarios, or their beginnings, apart by commas. */
    only: { type: 'string' },
    /** Of the writes at which a controller can be killed, every how many. */
    every: { type: 'string', default: '1' },
    /** Puts the rows into docs/reliability.md. */
    write: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
if (values.cluster !== 'embedded' && values.cluster !== 'real') throw new Error('--cluster is embedded or real');
const clusterName = values.cluster;
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

const world = await FaultWorld.open(await (clusterName === 'real' ? realFaultCluster() : embeddedFaultCluster()));
const rows = new Map<string, string>();
const faults: string[] = [];
try {
  for (const scenario of wanted) {
    const begin = Date.now();
    if (scenario.missing !== undefined) {
      console.log(`${scenario.name}: skipped, ${scenario.missing}`);
      continue;
    }
    console.log(scenario.name);
    const outcome = await scenario.run(world, {
      every: Number(values.every),
      say: (line) => console.log(`  ${line}`),
    });
    console.log(`  ${outcome.runs} runs in ${Math.round((Date.now() - begin) / 1_000)} s`);
    rows.set(scenario.name, rowOf(scenario, outcome));
    faults.push(...outcome.faults.map((fault) => `${scenario.id}: ${fault}`));
  }
} catch (error) {
  faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
} finally {
  console.log(`\n${[head(), ...rows.values()].join('\n')}\n`);
  for (const fault of faults) console.log(`!! ${fault}`);
  if (faults.length > 0) console.log(`Logs of the replicas: ${world.keepLogs()}`);
  if (values.write) writeFileSync(page, pageWith(readFileSync(page, 'utf8'), clusterName, rows));
  await world.close();
}
process.exit(faults.length === 0 ? 0 : 1);
