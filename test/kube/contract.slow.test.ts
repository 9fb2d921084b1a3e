import { describe } from 'vitest';
import { clusterContract } from '../contract/cluster.ts';
import { podRunnerContract } from '../contract/pod-runner.ts';
import { realClusterMissing, startRealCluster } from './real-cluster.ts';

const make = async () => ({ config: startRealCluster().config, close: async () => undefined });

describe.skipIf(realClusterMissing !== undefined)(
  `contracts on a real cluster${realClusterMissing === undefined ? '' : ` (skipped: ${realClusterMissing})`}`,
  () => {
    podRunnerContract('real', make);
    clusterContract('real', make, { isVersionOneForgotten: false });
  },
);
