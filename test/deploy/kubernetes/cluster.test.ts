import { AppsV1Api, NetworkingV1Api } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readTenantSettings } from '../../../app/tenant-settings.ts';
import { kubernetesCluster } from '../../../deploy/kubernetes/cluster.ts';
import type { Revision } from '../../../deploy/revision.ts';
import { TenantNamespaces } from '../../../engine/kubernetes/tenant-namespaces.ts';
import { WayFinder } from '../../../engine/kubernetes/ways.ts';
import { startTestCluster, type TestCluster } from '../../app/embedded/cluster/start.ts';
import { deployTarget } from '../../engine/core/deploy-target.ts';

const settingsOf = readTenantSettings(
  `
defaults: { images: { node:24: mirror.example/node:24 } }
tenants:
  github:7: { images: { node:24: registry.example/acme/node:24 }, pullSecrets: [login] }
`,
  { path: '', images: {}, poolSlots: 40 },
);
const revision: Revision = {
  number: 1,
  digest: `sha256:${'a'.repeat(64)}`,
  target: deployTarget({ source: { type: 'artifact', name: 'app', image: 'node:24', command: ['node', '.'] } }),
  by: 'dev',
  at: new Date(),
  rolloutId: 'r1',
  state: 'rolling',
};

let test: TestCluster;
let namespaces: TenantNamespaces;
beforeAll(async () => {
  test = await startTestCluster();
  namespaces = new TenantNamespaces({
    config: test.config,
    prefix: 'slipway',
    settingsOf,
    ways: new WayFinder({
      agents: { host: '127.0.0.1', port: 7301 },
      apiServer: { host: '127.0.0.1', port: 6443 },
      of: () => [],
    }),
    onError: (error) => {
      throw error;
    },
  });
});
afterAll(() => test.close());

it('deploys into a namespace that is kept apart, by the images and logins of its own tenant', async () => {
  const cluster = kubernetesCluster(test.config, {
    namespaceOf: (environment) => namespaces.nameOfEnvironment(environment),
    ensureNamespace: (environment) => namespaces.ensureEnvironment(environment),
    agentEndpoint: '127.0.0.1:7301',
    agentImage: 'slipway:1',
    tenant: settingsOf,
  });
  const images: unknown[] = [];
  for (const tenant of ['github:7', 'github:8']) {
    const environment = { tenant, repositoryId: '1', repository: 'acme/web', environment: 'production' };
    await cluster.apply(environment, revision);
    const namespace = namespaces.nameOfEnvironment(environment);
    const { spec } = await test.config.makeApiClient(AppsV1Api).readNamespacedDeployment({ namespace, name: 'web' });
    const pod = spec?.template.spec;
    images.push([pod?.containers[0]?.image, pod?.imagePullSecrets]);
    const { items } = await test.config.makeApiClient(NetworkingV1Api).listNamespacedNetworkPolicy({ namespace });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['slipway-services']);
  }
  expect(images).toEqual([
    ['registry.example/acme/node:24', [{ name: 'login' }]],
    ['mirror.example/node:24', undefined],
  ]);
});

it('tells the last words of a service that ends instead of getting ready', async () => {
  const cluster = kubernetesCluster(test.config, {
    namespaceOf: (environment) => namespaces.nameOfEnvironment(environment),
    ensureNamespace: (environment) => namespaces.ensureEnvironment(environment),
    agentEndpoint: '127.0.0.1:7301',
    agentImage: 'slipway:1',
    fetchCommand: ['sh', '-c', 'echo no such artifact >&2; exit 3'],
    tenant: settingsOf,
  });
  const environment = { tenant: 'github:9', repositoryId: '1', repository: 'acme/web', environment: 'staging' };
  await cluster.apply(environment, revision);
  const trouble = await vi.waitFor(
    async () => {
      const found = await cluster.trouble(environment, revision);
      expect(found?.excerpt).not.toEqual([]);
      return found;
    },
    { timeout: 20_000, interval: 100 },
  );
  expect(trouble?.message).toMatch(/^its container "fetch-artifact" ended \(exit code 3\)/);
  expect(trouble?.excerpt).toEqual(['no such artifact']);
});
