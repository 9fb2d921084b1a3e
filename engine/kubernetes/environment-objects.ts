import { createHash } from 'node:crypto';
import type { TenantSettings } from '../core/tenant.ts';
import type { ApiObject } from './cluster-fetch.ts';
import { egressRules, type Peer, publicBlocks, type Ways } from './egress-rules.ts';
import { annotations, managedBy, servicesOf } from './names.ts';
import { accountObject, namespaceObject } from './tenant-objects.ts';

/** One environment of one of a tenant's repositories. */
export interface EnvironmentPlace {
  readonly tenant: string;
  readonly repositoryId: string;
  readonly environment: string;
}

/**
 * What the namespace of an environment is made of, the namespace first. Deployed services are reached by whoever is no
 * tenant of this Slipway (ingress controllers, monitoring, Slipway itself, the public), and by the same tenant's other
 * services; they reach those, name servers, public addresses, and what the administrator lists.
 */
export function environmentObjects(
  namespace: string,
  { tenant, repositoryId, environment }: EnvironmentPlace,
  settings: TenantSettings,
  ways: Ways,
): readonly (ApiObject & Record<string, unknown>)[] {
  const owner = { [servicesOf]: createHash('sha256').update(tenant).digest('hex').slice(0, 16) };
  const siblings: Peer = { namespaceSelector: { matchLabels: owner } };
  const { allow } = settings.environments.egress;
  const { dns, deny } = settings.egress;
  return [
    namespaceObject(
      namespace,
      {
        [annotations.tenant]: tenant,
        [annotations.repository]: repositoryId,
        [annotations.environment]: environment,
      },
      owner,
    ),
    accountObject(namespace),
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'slipway-services', namespace, labels: managedBy },
      spec: {
        podSelector: {},
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ from: [siblings, strangers, ...publicBlocks([])] }],
        egress: egressRules({ allow, deny, dns }, ways, [siblings]),
      },
    },
  ];
}

const strangers: Peer = {
  namespaceSelector: {
    matchExpressions: Object.entries(managedBy).map(([key, value]) => ({ key, operator: 'NotIn', values: [value] })),
  },
};
