import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { KillableCluster } from '../app/embedded/cluster/killable-cluster.ts';
import { clusterProcesses, machineAddress, removeSlipwayNamespaces, startRealCluster } from '../kube/real-cluster.ts';
import { slipwayImage } from '../kube/slipway-image.ts';

/** A part of a cluster that can be killed and started again. */
export interface Part {
  readonly name: string;
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** A cluster that faults happen to. */
export interface FaultCluster {
  readonly name: 'embedded' | 'real';
  /** Under which its pods reach this machine. */
  readonly machine: string;
  readonly agentImage: string | undefined;
  readonly images: Readonly<Record<string, string>>;
  /** Straight to it, past the proxies. */
  readonly core: CoreV1Api;
  readonly parts: readonly Part[];
  /** Where its API is, and what lets one in. */
  upstream(): Promise<{ readonly url: string; readonly access: RequestOptions }>;
  close(): Promise<void>;
}

function accessOf(config: KubeConfig) {
  return async () => {
    const access: RequestOptions = {};
    await config.applyToHTTPSOptions(access);
    return { url: config.getCurrentCluster()?.server ?? '', access };
  };
}

export async function embeddedFaultCluster(): Promise<FaultCluster> {
  const cluster = new KillableCluster();
  await cluster.start();
  const config = new KubeConfig();
  config.loadFromString(readFileSync(join(cluster.dataDir, 'kubeconfig'), 'utf8'));
  const core = config.makeApiClient(CoreV1Api);
  return {
    name: 'embedded',
    machine: '127.0.0.1',
    agentImage: undefined,
    images: {},
    core,
    parts: [
      {
        name: 'API server, with all of the cluster',
        kill: () => cluster.kill('SIGKILL'),
        start: async () => void (await cluster.start()),
      },
    ],
    upstream: accessOf(config),
    async close() {
      const { items } = await core.listNamespace({ labelSelector: 'app.kubernetes.io/managed-by=slipway' });
      for (const { metadata } of items) await core.deleteNamespace({ name: metadata?.name ?? '' });
      const deadline = Date.now() + 30_000;
      while ((await core.listPodForAllNamespaces()).items.length > 0 && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 100));
      await cluster.close();
    },
  };
}

export async function realFaultCluster(): Promise<FaultCluster> {
  const { config } = startRealCluster();
  removeSlipwayNamespaces();
  return {
    name: 'real',
    machine: machineAddress,
    agentImage: await slipwayImage(),
    images: { 'node:24': 'docker.io/local/node:1' },
    core: config.makeApiClient(CoreV1Api),
    parts: clusterProcesses(),
    upstream: accessOf(config),
    close: async () => removeSlipwayNamespaces(),
  };
}
