import { parseQuantity } from '../../../../engine/kubernetes/quantity.ts';
import type { ResourceQuota } from '../objects/config.ts';
import { isFinished, type Pod } from '../objects/pod.ts';
import type { Objects } from '../store/objects.ts';

/** Prints a sum: processors in thousandths where they are not whole, all else as it is. */
function printQuantity(value: number, resource: string): string {
  const isCpu = resource.endsWith('cpu');
  return isCpu && !Number.isInteger(value) ? `${Math.round(value * 1000)}m` : String(value);
}

/** What a pod takes of one resource of a quota; ended pods take nothing. */
function usageOf(pod: Pod, resource: string): number {
  if (resource === 'pods' || resource === 'count/pods') return 1;
  const [kind, name] = resource.includes('.') ? resource.split('.', 2) : ['requests', resource];
  if (name === undefined || (kind !== 'requests' && kind !== 'limits')) return 0;
  return pod.spec.containers.reduce((sum, container) => {
    const quantity = kind === 'limits' ? container.resources.limits?.[name] : container.resources.requests?.[name];
    return sum + (quantity === undefined ? 0 : parseQuantity(quantity));
  }, 0);
}

const counted: Readonly<Record<string, (objects: Objects, namespace: string) => number>> = {
  services: (objects, namespace) => objects.services.list(namespace).length,
  configmaps: (objects, namespace) => objects.configMaps.list(namespace).length,
  secrets: (objects, namespace) => objects.secrets.list(namespace).length,
  'count/deployments.apps': (objects, namespace) => objects.deployments.list(namespace).length,
};

type Scope = NonNullable<NonNullable<ResourceQuota['spec']['scopeSelector']>['matchExpressions']>[number];

/** Whether a quota counts a pod: one without scopes counts all. */
function isCounted({ spec }: ResourceQuota, pod: Pod): boolean {
  return (spec.scopeSelector?.matchExpressions ?? []).every((scope) => isInScope(scope, pod.spec.priorityClassName));
}

/** Of the scopes only priority classes are known here. */
function isInScope({ scopeName, operator, values = [] }: Scope, priorityClass = ''): boolean {
  if (scopeName !== 'PriorityClass') return false;
  switch (operator) {
    case 'In':
      return values.includes(priorityClass);
    case 'NotIn':
      return !values.includes(priorityClass);
    case 'Exists':
      return priorityClass !== '';
    case 'DoesNotExist':
      return priorityClass === '';
  }
}

/** What a namespace uses of each resource that a quota limits. */
export function usedOf(objects: Objects, quota: ResourceQuota): Record<string, string> {
  const namespace = quota.metadata.namespace ?? '';
  const pods = objects.pods.list(namespace).filter((pod) => !isFinished(pod) && isCounted(quota, pod));
  const names = Object.keys(quota.spec.hard ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const count = Object.hasOwn(counted, name) ? counted[name] : undefined;
      const used = count?.(objects, namespace) ?? pods.reduce((sum, pod) => sum + usageOf(pod, name), 0);
      return [name, printQuantity(used, name)];
    }),
  );
}

/** Why a new pod does not fit its namespace's quotas, in the words of Kubernetes; undefined where it fits. */
export function quotaRefusal(objects: Objects, pod: Pod): string | undefined {
  for (const quota of objects.resourceQuotas.list(pod.metadata.namespace ?? '')) {
    if (!isCounted(quota, pod)) continue;
    const used = usedOf(objects, quota);
    const hard = Object.entries(quota.spec.hard ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const unstated = hard.filter(
      ([name]) => name !== 'pods' && /(^|\.)(cpu|memory)$/.test(name) && usageOf(pod, name) === 0,
    );
    if (unstated.length > 0) {
      const containers = pod.spec.containers.map((container) => container.name).join(',');
      return `failed quota: ${quota.metadata.name}: must specify ${unstated.map(([name]) => `${name} for: ${containers}`).join('; ')}`;
    }
    const exceeded = hard.filter(([name, limit]) => {
      const wanted = usageOf(pod, name);
      return wanted > 0 && parseQuantity(used[name] ?? '0') + wanted > parseQuantity(limit);
    });
    if (exceeded.length === 0) continue;
    const told = (amount: (name: string, limit: string) => string) =>
      exceeded.map(([name, limit]) => `${name}=${amount(name, limit)}`).join(',');
    const requested = told((name) => printQuantity(usageOf(pod, name), name));
    return `exceeded quota: ${quota.metadata.name}, requested: ${requested}, used: ${told((name) => used[name] ?? '0')}, limited: ${told((_, limit) => limit)}`;
  }
  return undefined;
}
