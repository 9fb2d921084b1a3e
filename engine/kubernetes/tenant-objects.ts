import type { Quota, TenantSettings } from '../core/tenant.ts';
import type { ApiObject } from './cluster-fetch.ts';
import { egressRules, type Ways } from './egress-rules.ts';
import { annotations, managedBy } from './names.ts';
import { laneNames, priorityClassOf } from './priority-classes.ts';
import { bytesQuantity, cpuQuantity } from './quantity.ts';

/** What a tenant's namespace is made of, the namespace first. What is written here is kept so. */
export function tenantObjects(
  namespace: string,
  tenant: string,
  settings: TenantSettings,
  ways: Ways,
): readonly (ApiObject & Record<string, unknown>)[] {
  const { quota, largestStage } = settings;
  const metadata = { name: 'slipway-stages', namespace, labels: managedBy };
  return [
    namespaceObject(namespace, { [annotations.tenant]: tenant }),
    accountObject(namespace),
    {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata,
      spec: { hard: { ...hardOf(quota), services: '0', persistentvolumeclaims: '0' } },
    },
    ...scopedQuotas(namespace, settings),
    {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata,
      spec: {
        limits: [
          {
            type: 'Container',
            max: { cpu: cpuQuantity(largestStage.cpuMillicores), memory: bytesQuantity(largestStage.memoryBytes) },
            default: { cpu: '1', memory: '1Gi' },
            defaultRequest: { cpu: '100m', memory: '256Mi' },
          },
        ],
      },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: {
        podSelector: {},
        policyTypes: ['Ingress', 'Egress'],
        ingress: [],
        egress: egressRules(settings.egress, ways),
      },
    },
  ];
}

/** A namespace whose pods are held to Pod Security "restricted". */
export function namespaceObject(
  name: string,
  annotated: Readonly<Record<string, string>>,
  labelled: Readonly<Record<string, string>> = {},
): ApiObject & Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        ...managedBy,
        ...labelled,
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/enforce-version': 'latest',
      },
      annotations: annotated,
    },
  };
}

/** Pods of this account hold only the token that is made for Slipway, which the API server does not take. */
export function accountObject(namespace: string): ApiObject & Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace, labels: managedBy },
    automountServiceAccountToken: false,
  };
}

/** Quotas of pools and lanes: the cluster tells their pods by their priority classes, the only such mark it knows. */
function scopedQuotas(
  namespace: string,
  { pools, lanes }: TenantSettings,
): readonly (ApiObject & Record<string, unknown>)[] {
  const ofPools = Object.entries(pools).flatMap(([name, { quota }]) =>
    quota === undefined
      ? []
      : [{ name: `slipway-pool-${name}`, quota, classes: laneNames.map((lane) => priorityClassOf(lane, name, pools)) }],
  );
  const ofLanes = laneNames.flatMap((lane) => {
    const quota = lanes[lane];
    const classes = new Set(Object.keys(pools).map((name) => priorityClassOf(lane, name, pools)));
    return quota === undefined ? [] : [{ name: `slipway-lane-${lane}`, quota, classes: [...classes] }];
  });
  return [...ofPools, ...ofLanes].map(({ name, quota, classes }) => ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name, namespace, labels: managedBy },
    spec: {
      hard: hardOf(quota),
      scopeSelector: {
        matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: classes.toSorted() }],
      },
    },
  }));
}

function hardOf({ pods, cpuMillicores, memoryBytes }: Quota): Readonly<Record<string, string>> {
  return {
    ...(pods === undefined ? {} : { pods: String(pods) }),
    ...(cpuMillicores === undefined ? {} : { 'requests.cpu': cpuQuantity(cpuMillicores) }),
    ...(memoryBytes === undefined
      ? {}
      : { 'requests.memory': bytesQuantity(memoryBytes), 'limits.memory': bytesQuantity(memoryBytes) }),
  };
}
