import type { ConfigMap, Event, Namespace, Node, ResourceQuota, Secret } from './config.ts';
import type { KubeObject } from './meta.ts';
import type { Endpoints, Service } from './network.ts';
import { isReady, type Pod } from './pod.ts';
import type { Column } from './resource.ts';
import { selectorText } from './selectors.ts';
import type { Deployment, ReplicaSet } from './workloads.ts';

const none = '<none>';

/** Age as kubectl prints it: `45s`, `5m12s`, `3h`, `2d`. */
function ageText(since: string, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(since)) / 1000));
  if (Number.isNaN(seconds)) return '<unknown>';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

export const nameColumn: Column<KubeObject> = { name: 'Name', value: (object) => object.metadata.name };
export const ageColumn: Column<KubeObject> = {
  name: 'Age',
  value: (object, now) => ageText(object.metadata.creationTimestamp, now),
};

/** What the STATUS column shows: the phase, or the reason that says more. */
function podState(pod: Pod): string {
  const { status } = pod;
  const init = (status.initContainerStatuses ?? []).find(({ state }) => (state?.terminated?.exitCode ?? 1) !== 0);
  let text = status.reason ?? status.phase ?? 'Unknown';
  if (init !== undefined && status.phase === 'Pending') {
    const { waiting, terminated } = init.state ?? {};
    text = `Init:${terminated?.reason ?? (waiting?.reason === 'PodInitializing' ? undefined : waiting?.reason) ?? 'Running'}`;
  } else if (status.reason === undefined) {
    for (const { state } of status.containerStatuses ?? []) {
      if (state?.waiting?.reason !== undefined) text = state.waiting.reason;
      else if (state?.terminated !== undefined && status.phase !== 'Running') {
        text = state.terminated.reason ?? `ExitCode:${state.terminated.exitCode}`;
      }
    }
  }
  return pod.metadata.deletionTimestamp === undefined ? text : 'Terminating';
}

export const podColumns: Column<Pod>[] = [
  {
    name: 'Ready',
    value: ({ spec, status }) =>
      `${(status.containerStatuses ?? []).filter(({ ready }) => ready).length}/${spec.containers.length}`,
  },
  { name: 'Status', value: podState },
  {
    name: 'Restarts',
    value: ({ status }) => (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
  },
  ageColumn,
  { name: 'IP', priority: 1, value: ({ status }) => status.podIP ?? none },
  { name: 'Node', priority: 1, value: ({ spec }) => spec.nodeName ?? none },
  { name: 'Nominated Node', priority: 1, value: () => none },
  {
    name: 'Readiness Gates',
    priority: 1,
    value: (pod) => (pod.spec['readinessGates'] === undefined ? none : String(isReady(pod))),
  },
];

const containersOf = (set: { spec: { template: { spec: Pod['spec'] } } }) => set.spec.template.spec.containers;
const workloadColumns: Column<Deployment | ReplicaSet>[] = [
  ageColumn,
  {
    name: 'Containers',
    priority: 1,
    value: (set) =>
      containersOf(set)
        .map(({ name }) => name)
        .join(','),
  },
  {
    name: 'Images',
    priority: 1,
    value: (set) =>
      containersOf(set)
        .map(({ image }) => image ?? none)
        .join(','),
  },
  { name: 'Selector', priority: 1, value: (set) => selectorText(set.spec.selector) },
];

export const deploymentColumns: Column<Deployment>[] = [
  { name: 'Ready', value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas}` },
  { name: 'Up-to-date', value: ({ status }) => status.updatedReplicas ?? 0 },
  { name: 'Available', value: ({ status }) => status.availableReplicas ?? 0 },
  ...workloadColumns,
];

export const replicaSetColumns: Column<ReplicaSet>[] = [
  { name: 'Desired', value: ({ spec }) => spec.replicas },
  { name: 'Current', value: ({ status }) => status.replicas },
  { name: 'Ready', value: ({ status }) => status.readyReplicas ?? 0 },
  ...workloadColumns,
];

export const serviceColumns: Column<Service>[] = [
  { name: 'Type', value: ({ spec }) => spec.type },
  { name: 'Cluster-IP', value: ({ spec }) => spec.clusterIP ?? none },
  { name: 'External-IP', value: () => none },
  {
    name: 'Port(s)',
    value: ({ spec }) =>
      (spec.ports ?? [])
        .map(({ port, nodePort, protocol }) => `${port}${nodePort === undefined ? '' : `:${nodePort}`}/${protocol}`)
        .join(',') || none,
  },
  ageColumn,
  { name: 'Selector', priority: 1, value: ({ spec }) => selectorText({ matchLabels: spec.selector ?? {} }) || none },
];

export const endpointsColumns: Column<Endpoints>[] = [
  {
    name: 'Endpoints',
    value: ({ subsets = [] }) =>
      subsets
        .flatMap(({ addresses = [], ports = [] }) =>
          addresses.flatMap(({ ip }) => ports.map(({ port }) => (port === undefined ? ip : `${ip}:${port}`))),
        )
        .join(',') || none,
  },
  ageColumn,
];

export const configMapColumns: Column<ConfigMap>[] = [
  {
    name: 'Data',
    value: ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length,
  },
  ageColumn,
];

export const secretColumns: Column<Secret>[] = [
  { name: 'Type', value: ({ type }) => type },
  { name: 'Data', value: ({ data = {} }) => Object.keys(data).length },
  ageColumn,
];

export const namespaceColumns: Column<Namespace>[] = [
  { name: 'Status', value: ({ status }) => status.phase ?? 'Active' },
  ageColumn,
];

export const nodeColumns: Column<Node>[] = [
  {
    name: 'Status',
    value: ({ status }) =>
      status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ? 'Ready' : 'NotReady',
  },
  ageColumn,
];

export const eventColumns: Column<Event>[] = [
  { name: 'Last Seen', value: ({ lastTimestamp }, now) => ageText(lastTimestamp ?? '', now) },
  { name: 'Type', value: ({ type }) => type ?? '' },
  { name: 'Reason', value: ({ reason }) => reason ?? '' },
  {
    name: 'Object',
    value: ({ involvedObject: { kind = '', name = '' } }) => `${kind.toLowerCase()}/${name}`,
  },
  { name: 'Message', value: ({ message }) => (message ?? '').trim() },
];

export const quotaColumns: Column<ResourceQuota>[] = [
  {
    name: 'Request',
    value: ({ status: { hard = {}, used = {} } }) =>
      Object.entries(hard)
        .map(([name, limit]) => `${name}: ${used[name] ?? '0'}/${limit}`)
        .join(', '),
  },
  ageColumn,
];
