import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import type { ClusterAccess, NeededAccess } from '../ports/cluster-access.ts';
import { EngineError } from '../ports/errors.ts';
import { reasonOf, statusOf } from './client.ts';
import { clusterAsk, clusterGet } from './cluster-fetch.ts';

/** All that Slipway does there: the chart's role grants exactly that. */
export const neededAccess: readonly NeededAccess[] = [
  ...['namespaces', 'resourcequotas', 'limitranges', 'serviceaccounts'].map((resource) => ({
    group: '',
    resource,
    verbs: ['get', 'list', 'create', 'patch'],
  })),
  { group: 'networking.k8s.io', resource: 'networkpolicies', verbs: ['get', 'list', 'create', 'patch'] },
  { group: 'scheduling.k8s.io', resource: 'priorityclasses', verbs: ['get', 'create', 'patch'] },
  { group: '', resource: 'pods', verbs: ['list', 'watch', 'create', 'delete'] },
  { group: '', resource: 'services', verbs: ['get', 'create', 'patch'] },
  { group: 'apps', resource: 'deployments', verbs: ['get', 'create', 'patch', 'delete'] },
];

const Version = z.object({ gitVersion: z.string() });
const Review = z.object({ status: z.object({ allowed: z.boolean() }) });

/** What Slipway may do in the cluster that a kubeconfig names, asked by reviews of its own access. */
export function clusterAccess(config: KubeConfig): ClusterAccess {
  const server = config.getCurrentCluster()?.server ?? '';
  return {
    server,
    async version() {
      try {
        return Version.parse(await clusterGet(config, '/version')).gitVersion;
      } catch (error) {
        throw unanswered(server, error);
      }
    },
    async missing() {
      const asked = neededAccess.map(async ({ group, resource, verbs }) => {
        const refused: string[] = [];
        for (const verb of verbs) if (!(await isAllowed(config, { group, resource, verb }))) refused.push(verb);
        return { group, resource, verbs: refused };
      });
      return (await Promise.all(asked)).filter(({ verbs }) => verbs.length > 0);
    },
  };
}

function unanswered(server: string, cause: unknown): EngineError {
  const status = statusOf(cause);
  const isRefused = status === 401 || status === 403;
  return new EngineError({
    code: isRefused ? 'denied' : 'unavailable',
    what: `Asking the cluster at ${server} for its version`,
    why: reasonOf(cause),
    fix: isRefused
      ? 'Renew the credentials in KUBECONFIG or SLIPWAY_KUBECONFIG, or the service account'
      : 'Look whether the address in KUBECONFIG or SLIPWAY_KUBECONFIG is right, and whether this machine reaches it',
    cause,
  });
}

async function isAllowed(
  config: KubeConfig,
  resourceAttributes: { readonly group: string; readonly resource: string; readonly verb: string },
): Promise<boolean> {
  const answer = await clusterAsk(config, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  });
  return Review.parse(answer).status.allowed;
}
