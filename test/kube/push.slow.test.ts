import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../app/embedded/free-port.ts';
import { KillableSlipway } from '../faults/killable-slipway.ts';
import { PushedRuns } from './pushed-run.ts';
import { machineAddress, realClusterMissing, removeSlipwayNamespaces, startRealCluster } from './real-cluster.ts';
import { slipwayImage } from './slipway-image.ts';

const pipeline = `
stages:
  test:
    image: node:24
    commands:
      - node --version
      - id -u
  package:
    kind: build
    image: node:24
    needs: [test]
    commands:
      - mkdir -p dist
      - cp server.js dist/
    artifacts:
      out:
        app: dist
  deploy:
    needs: [package]
    deploy:
      environment: production
      artifact: app
      image: node:24
      command: [node, server.js]
      port: 8080
      ready: /healthz
      readyWithin: 60s
      smoke:
        path: /
        status: 200
`;
const server =
  "require('node:http').createServer((request, response) => response.end('hello')).listen(process.env.PORT);\n";

describe.skipIf(realClusterMissing !== undefined)(
  `a push on a real cluster${realClusterMissing === undefined ? '' : ` (skipped: ${realClusterMissing})`}`,
  () => {
    let slipway: KillableSlipway;
    beforeAll(async () => {
      const { kubeconfigPath } = startRealCluster();
      slipway = new KillableSlipway({
        KUBECONFIG: kubeconfigPath,
        SLIPWAY_AGENT_ADDRESS: machineAddress,
        // Another Slipway of this machine may hold the usual one.
        SLIPWAY_AGENT_PORT: String(await freePort()),
        SLIPWAY_AGENT_IMAGE: await slipwayImage(),
        SLIPWAY_IMAGES: 'node:24=docker.io/local/node:1 slipway/base=docker.io/local/base:1',
      });
      await slipway.start();
    });
    afterAll(async () => {
      await slipway.close();
      removeSlipwayNamespaces();
    });

    it('becomes green checks and a deployed revision, by pods that the cluster runs', async () => {
      const runs = new PushedRuns(slipway.dataDir);
      const copy = await runs.copy('copy');
      const sha = await copy.push('main', { '.slipway.yaml': pipeline, 'server.js': server }, 'first');
      const checks = await runs.ended(sha, 3, 120_000);
      expect(Object.entries(checks).filter(([, { conclusion }]) => conclusion !== 'success')).toEqual([]);
      expect(Object.keys(checks)).toEqual(expect.arrayContaining(['slipway / test', 'slipway / deploy']));
    });
  },
);
