import { clusterContract } from '../../../contract/cluster.ts';
import { startTestCluster } from './start.ts';

clusterContract('embedded', () => startTestCluster());
