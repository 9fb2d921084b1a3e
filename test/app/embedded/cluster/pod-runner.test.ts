import { podRunnerContract } from '../../../contract/pod-runner.ts';
import { startTestCluster } from './start.ts';

podRunnerContract('embedded', () => startTestCluster());
