import { runEmbeddedCluster } from '../../../../app/embedded/cluster/main.ts';

/** A cluster in a process of its own, for tests that kill it: `node cluster-process.ts <folder>`. */
const say = (): void => undefined;
await runEmbeddedCluster({
  dataDir: process.argv[2] ?? '',
  log: { info: say, warn: say, error: (facts, message) => console.error(message, facts) },
  backoffMs: 100,
  print: (line) => console.log(line),
});
