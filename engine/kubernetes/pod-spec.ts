import type { V1Container, V1Pod, V1ResourceRequirements, V1Toleration } from '@kubernetes/client-node';
import { stageContainerScript } from '../agent/stage-script.ts';
import { tokenFolder, tokenVolume } from '../agent-token.ts';
import { largestDiskBytes, type Resources } from '../core/pipeline.ts';
import type { Egress, SettingsOfTenant, TenantSettings, Toleration } from '../core/tenant.ts';
import type { AttemptPod } from '../ports/pod-runner.ts';
import { restrictedContainer, restrictedPod } from '../restricted-pod.ts';
import { annotations, labels } from './names.ts';
import { priorityClassOf } from './priority-classes.ts';
import { bytesQuantity } from './quantity.ts';

export interface PodSettings {
  /** `host:port` of the controller, as pods reach it. */
  readonly agentEndpoint: string;
  readonly agentImage: string;
  /** Absent where the image starts the agent by itself. */
  readonly agentCommand?: readonly string[];
  readonly tenant: SettingsOfTenant;
  /** Whether the cluster's network enforces policies: commands then wait until it does so on their pod. */
  readonly networkPolicies?: 'enforced';
}

const workspace = '/slipway/workspace';
const control = '/slipway/control';
/** The pod's own limit stands behind the agent's: fetching, reports and artifacts take time too. */
const deadlineSlackSeconds = 900;
const agentDiskBytes = 2 ** 30;
const agentResources: Resources = { cpuMillicores: 100, memoryBytes: 256 * 2 ** 20 };
/** How long pods stay bound to a node that does not answer; by default it is five minutes. */
const nodeSilenceSeconds = 60;
/** Starting takes the agent a moment of a whole processor, and the stage waits for it; after that it takes next to none. */
const agentLimitMillicores = 1_000;

/**
 * The pod of an attempt: the stage's own image, and the agent beside it. It satisfies Pod Security "restricted", and
 * holds nothing secret: what is secret reaches the agent over its own connection.
 */
export function podSpec(pod: AttemptPod, settings: PodSettings): V1Pod {
  const tenant = settings.tenant(pod.tenant);
  const pool = tenant.pools[pod.pool];
  // The containers' limits count together: without a limit of its own the workspace could take the agent's share too.
  const sizeLimit = bytesQuantity(pod.resources.diskBytes ?? largestDiskBytes);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod.podName,
      labels: { [labels.run]: pod.runId, [labels.attempt]: String(pod.attempt), [labels.role]: 'stage' },
      annotations: { [annotations.stage]: pod.stage, [annotations.tenant]: pod.tenant },
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 15,
      activeDeadlineSeconds: Math.ceil(pod.timeoutMs / 1_000) + deadlineSlackSeconds,
      securityContext: { ...restrictedPod, fsGroup: restrictedPod.runAsGroup },
      priorityClassName: priorityClassOf(pod.lane, pod.pool, tenant.pools),
      nodeSelector: { ...pool?.nodeSelector },
      tolerations: [...(pool?.tolerations.map(tolerationOf) ?? []), ...silentNodes],
      ...(tenant.pullSecrets.length === 0 ? {} : { imagePullSecrets: tenant.pullSecrets.map((name) => ({ name })) }),
      // Five search domains make ten look-ups of every outside name.
      dnsConfig: { options: [{ name: 'ndots', value: String(tenant.ndots) }] },
      containers: [agentContainer(settings, tenant), stageContainer(pod, tenant)],
      volumes: [
        { name: 'workspace', emptyDir: { sizeLimit } },
        { name: 'control', emptyDir: {} },
        { name: 'stage-home', emptyDir: { sizeLimit } },
        { name: 'agent-home', emptyDir: {} },
        tokenVolume,
      ],
    },
  };
}

/** Paths are given by variables alone: a mount path need not be a path of the machine that runs the container. */
function agentContainer(
  { agentEndpoint, agentImage, agentCommand, networkPolicies }: PodSettings,
  { egress }: TenantSettings,
): V1Container {
  return {
    name: 'agent',
    image: agentImage,
    ...(agentCommand === undefined ? {} : { command: [...agentCommand] }),
    env: [
      { name: 'SLIPWAY_AGENT_ENDPOINT', value: agentEndpoint },
      { name: 'SLIPWAY_AGENT_TOKEN_FILE', value: `${tokenFolder}/token` },
      { name: 'SLIPWAY_WORKSPACE', value: workspace },
      { name: 'SLIPWAY_CONTROL', value: control },
      { name: 'HOME', value: '/slipway/home' },
      ...proxyVariables(egress.proxy, agentEndpoint),
      ...(networkPolicies === 'enforced' ? barredVariables(egress) : []),
    ],
    resources: requirements(agentResources, agentDiskBytes, agentLimitMillicores),
    securityContext: readOnlyContainer,
    volumeMounts: [
      { name: 'workspace', mountPath: workspace },
      { name: 'control', mountPath: control },
      { name: 'agent-home', mountPath: '/slipway/home' },
      { name: 'token', mountPath: tokenFolder, readOnly: true },
    ],
  };
}

function stageContainer({ image, resources }: AttemptPod, { images, egress }: TenantSettings): V1Container {
  return {
    name: 'stage',
    image: images[image] ?? image,
    command: ['sh', '-c', stageContainerScript],
    env: [
      { name: 'SLIPWAY_WORKSPACE', value: workspace },
      { name: 'SLIPWAY_CONTROL', value: control },
      { name: 'HOME', value: '/slipway/home' },
      { name: 'TMPDIR', value: '/slipway/home' },
      ...proxyVariables(egress.proxy, undefined),
    ],
    workingDir: workspace,
    resources: requirements(resources, resources.diskBytes ?? largestDiskBytes),
    securityContext: readOnlyContainer,
    volumeMounts: [
      { name: 'workspace', mountPath: workspace },
      { name: 'control', mountPath: control },
      { name: 'stage-home', mountPath: '/slipway/home' },
    ],
  };
}

/** The API server answers everywhere in a cluster, and no stage may reach it. The kubelet puts its address in. */
function barredVariables({ allow }: Egress): { readonly name: string; readonly value: string }[] {
  return [
    { name: 'SLIPWAY_BARRED_ADDRESS', value: '$(KUBERNETES_SERVICE_HOST):$(KUBERNETES_SERVICE_PORT)' },
    { name: 'SLIPWAY_ALLOWED_NETWORKS', value: allow.join(',') },
  ];
}

/** In both spellings, since programs differ in which they read. Agents talk to Slipway without it. */
function proxyVariables(
  proxy: string | undefined,
  agentEndpoint: string | undefined,
): { readonly name: string; readonly value: string }[] {
  if (proxy === undefined) return [];
  const own = agentEndpoint === undefined ? [] : [agentEndpoint.replace(/:\d+$/, '')];
  const variables = { http_proxy: proxy, https_proxy: proxy, no_proxy: ['localhost', '127.0.0.1', ...own].join(',') };
  return Object.entries(variables).flatMap(([name, value]) => [
    { name, value },
    { name: name.toUpperCase(), value },
  ]);
}

function tolerationOf({ key, value, effect }: Toleration): V1Toleration {
  return {
    operator: value === undefined ? 'Exists' : 'Equal',
    ...(key === undefined ? {} : { key }),
    ...(value === undefined ? {} : { value }),
    ...(effect === undefined ? {} : { effect }),
  };
}

const silentNodes: readonly V1Toleration[] = ['not-ready', 'unreachable'].map((condition) => ({
  key: `node.kubernetes.io/${condition}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: nodeSilenceSeconds,
}));

const readOnlyContainer = { ...restrictedContainer, readOnlyRootFilesystem: true };

/**
 * Memory is promised in full, and so is the processor unless more is allowed; disk is only bounded, so that one stage
 * does not fill its node. A request of none is stated: without it the limit would be requested, and a node that keeps no
 * account of its disk would take no stage at all.
 */
function requirements(
  { cpuMillicores, memoryBytes }: Resources,
  diskBytes: number,
  limitMillicores = cpuMillicores,
): V1ResourceRequirements {
  const memory = String(memoryBytes);
  return {
    requests: { cpu: `${cpuMillicores}m`, memory, 'ephemeral-storage': '0' },
    limits: { cpu: `${limitMillicores}m`, memory, 'ephemeral-storage': String(diskBytes) },
  };
}
