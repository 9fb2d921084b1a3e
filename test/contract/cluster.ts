import { CoreV1Api, type KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe } from 'vitest';
import { ClusterAccess } from './cluster-access.ts';
import { apiCases } from './cluster-api.ts';
import { podCases } from './cluster-pods.ts';
import { workloadCases } from './cluster-workloads.ts';

/**
 * What the product relies on in a Kubernetes cluster: the stand-in and a real one have to behave like this. The real
 * one needs an image `local/base:1` with sh.
 */
export function clusterContract(
  name: string,
  make: () => Promise<{ readonly config: KubeConfig; readonly close: () => Promise<void> }>,
  facts: { readonly isVersionOneForgotten: boolean } = { isVersionOneForgotten: true },
): void {
  describe(`cluster contract: ${name}`, { concurrent: true, timeout: 90_000 }, () => {
    const namespace = `contract-${Date.now().toString(36)}`;
    let access: ClusterAccess | undefined;
    let close: (() => Promise<void>) | undefined;
    beforeAll(async () => {
      const made = await make();
      close = made.close;
      await made.config.makeApiClient(CoreV1Api).createNamespace({ body: { metadata: { name: namespace } } });
      access = new ClusterAccess(made.config, namespace);
    });
    afterAll(async () => {
      await access?.core.deleteNamespace({ name: namespace });
      await close?.();
    });
    const get = (): ClusterAccess => {
      if (access === undefined) throw new Error('The cluster is not ready');
      return access;
    };
    apiCases(get, facts);
    podCases(get);
    workloadCases(get);
  });
}
