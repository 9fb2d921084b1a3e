import {
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1Container,
  type V1Deployment,
  type V1Service,
} from '@kubernetes/client-node';
import { tokenFolder, tokenVolume } from '../../engine/agent-token.ts';
import type { DeployTarget } from '../../engine/core/pipeline.ts';
import type { SettingsOfTenant, TenantSettings } from '../../engine/core/tenant.ts';
import { restrictedContainer, restrictedPod } from '../../engine/restricted-pod.ts';
import type { Cluster, ServiceObservation } from '../ports/cluster.ts';
import { DeployError, type DeployErrorCode } from '../ports/errors.ts';
import type { EnvironmentRef, Revision } from '../revision.ts';
import { replicaTrouble } from './replica-trouble.ts';

export interface ClusterSettings {
  readonly namespaceOf: (environment: EnvironmentRef) => string;
  /** Makes that namespace where it is missing, with what keeps it apart from others. */
  readonly ensureNamespace: (environment: EnvironmentRef) => Promise<string>;
  /** `host:port` where pods fetch artifacts. */
  readonly agentEndpoint: string;
  readonly agentImage: string;
  /** Starts the program that fetches an artifact; absent where the image's own `fetch-artifact` does. */
  readonly fetchCommand?: readonly string[];
  /** What stands in for images that a tenant's pipelines name, and its logins to registries. */
  readonly tenant: SettingsOfTenant;
}

const timeoutMs = 15_000;
const fieldManager = 'slipway';
const revisionLabel = 'slipway.dev/revision';
const serviceLabel = 'app.kubernetes.io/name';
const localAddress = 'slipway.dev/local-address';
const appFolder = '/slipway/app';
/** What is wrong with some is wrong with all. */
const maxPods = 20;

/** Deployments and Services of a Kubernetes cluster, a namespace for each environment of a tenant. */
export function kubernetesCluster(config: KubeConfig, settings: ClusterSettings): Cluster {
  const apps = config.makeApiClient(AppsV1Api);
  const core = config.makeApiClient(CoreV1Api);
  async function read<T>(ask: Promise<T>): Promise<T | undefined> {
    return ask.catch((error: unknown) => {
      if (statusOf(error) === 404) return undefined;
      throw error;
    });
  }

  /** The API server applies what we own and leaves the rest: replicas that an autoscaler set, labels of others. */
  const apply = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply);

  return {
    apply: (environment, revision) =>
      attempt(`Deploying revision ${revision.number} to ${environment.environment}`, async () => {
        const namespace = await settings.ensureNamespace(environment);
        const name = revision.target.service;
        await core.patchNamespacedService(
          { namespace, name, body: serviceOf(name, revision.target), fieldManager, force: true },
          apply,
        );
        await apps.patchNamespacedDeployment(
          {
            namespace,
            name,
            body: deploymentOf(name, revision, settings, settings.tenant(environment.tenant)),
            fieldManager,
            force: true,
          },
          apply,
        );
      }),

    observe: (environment, service) =>
      attempt(`Looking at ${service} in ${environment.environment}`, async () => {
        const namespace = settings.namespaceOf(environment);
        const deployment = await read(apps.readNamespacedDeployment({ namespace, name: service }));
        if (deployment === undefined) return { isReady: false, message: 'There is no Deployment' };
        const found = await read(core.readNamespacedService({ namespace, name: service }));
        const url = found === undefined ? undefined : urlOf(found, namespace);
        return { ...readiness(deployment), ...(url === undefined ? {} : { url }) };
      }),

    trouble: (environment, { number, target }) =>
      attempt(`Looking at the replicas of ${target.service} in ${environment.environment}`, async () => {
        const labelSelector = `${serviceLabel}=${target.service},${revisionLabel}=${number}`;
        const namespace = settings.namespaceOf(environment);
        const { items } = await core.listNamespacedPod({ namespace, labelSelector, limit: maxPods });
        return replicaTrouble(items);
      }),

    pause: (environment, service) =>
      attempt(`Pausing ${service} in ${environment.environment}`, async () => {
        const body = [{ op: 'add', path: '/spec/paused', value: true }];
        await read(
          apps.patchNamespacedDeployment(
            { namespace: settings.namespaceOf(environment), name: service, body },
            setHeaderOptions('Content-Type', PatchStrategy.JsonPatch),
          ),
        );
      }),

    remove: (environment, service) =>
      attempt(`Removing ${service} from ${environment.environment}`, async () => {
        await read(
          apps.deleteNamespacedDeployment({
            namespace: settings.namespaceOf(environment),
            name: service,
            propagationPolicy: 'Background',
          }),
        );
      }),
  };
}

function serviceOf(name: string, { port }: DeployTarget): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      selector: { [serviceLabel]: name },
      ports: [{ name: 'http', port: 80, targetPort: port, protocol: 'TCP' }],
    },
  };
}

function deploymentOf(
  name: string,
  revision: Revision,
  settings: ClusterSettings,
  { images, pullSecrets }: TenantSettings,
): V1Deployment {
  const { target, number } = revision;
  const labels = { [serviceLabel]: name, [revisionLabel]: String(number) };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: target.replicas,
      paused: false,
      selector: { matchLabels: { [serviceLabel]: name } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
      progressDeadlineSeconds: Math.max(1, Math.ceil(target.readyWithinMs / 1_000)),
      template: {
        metadata: { labels, annotations: { 'slipway.dev/digest': revision.digest } },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { ...restrictedPod, fsGroup: restrictedPod.runAsGroup },
          ...(target.source.type === 'artifact' ? { initContainers: [fetchContainer(revision.digest, settings)] } : {}),
          ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((secret) => ({ name: secret })) }),
          containers: [serviceContainer(target, images)],
          ...(target.source.type === 'artifact' ? { volumes: artifactVolumes } : {}),
        },
      },
    },
  };
}

const artifactVolumes = [{ name: 'app', emptyDir: {} }, tokenVolume];

/** Brings the artifact into the pod before the service starts; here the wait for an init container is worth its second. */
function fetchContainer(digest: string, { agentEndpoint, agentImage, fetchCommand }: ClusterSettings): V1Container {
  return {
    name: 'fetch-artifact',
    image: agentImage,
    command: [...(fetchCommand ?? ['slipway-fetch-artifact'])],
    env: [
      { name: 'SLIPWAY_AGENT_ENDPOINT', value: agentEndpoint },
      { name: 'SLIPWAY_AGENT_TOKEN_FILE', value: `${tokenFolder}/token` },
      { name: 'SLIPWAY_ARTIFACT', value: digest },
      { name: 'SLIPWAY_WORKSPACE', value: appFolder },
    ],
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: restrictedContainer,
    volumeMounts: [
      { name: 'app', mountPath: appFolder },
      { name: 'token', mountPath: tokenFolder, readOnly: true },
    ],
  };
}

function serviceContainer(target: DeployTarget, images: TenantSettings['images']): V1Container {
  const { source, port, readyPath, env } = target;
  return {
    name: 'service',
    image: images[source.image] ?? source.image,
    ...(source.type === 'artifact'
      ? { command: [...source.command], workingDir: appFolder, volumeMounts: [{ name: 'app', mountPath: appFolder }] }
      : {}),
    env: [{ name: 'PORT', value: String(port) }, ...Object.entries(env).map(([name, value]) => ({ name, value }))],
    ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }],
    readinessProbe: { httpGet: { path: readyPath, port }, periodSeconds: 1, failureThreshold: 3 },
    // Its last words, should it end.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: restrictedContainer,
  };
}

function readiness({ metadata, spec, status }: V1Deployment): Omit<ServiceObservation, 'url'> {
  const wanted = spec?.replicas ?? 1;
  const updated = status?.updatedReplicas ?? 0;
  const available = status?.availableReplicas ?? 0;
  const total = status?.replicas ?? 0;
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  const revision = Number(spec?.template.metadata?.labels?.[revisionLabel]);
  const failing = status?.conditions?.find(({ type, status: holds }) => type === 'ReplicaFailure' && holds === 'True');
  return {
    ...(Number.isInteger(revision) ? { revision } : {}),
    isReady: isSeen && updated === wanted && available === wanted && total === wanted,
    message: failing?.message ?? `${Math.max(0, available - (total - updated))} of ${wanted} new replicas are ready`,
  };
}

function urlOf(service: V1Service, namespace: string): string {
  const local = service.metadata?.annotations?.[localAddress];
  if (local !== undefined) return `http://${local}`;
  // Its address, where it has one, is reached from every node and pod, also where the cluster's names are not known.
  const address = service.spec?.clusterIP;
  if (address === undefined || address === 'None') return `http://${service.metadata?.name}.${namespace}.svc`;
  return `http://${address.includes(':') ? `[${address}]` : address}`;
}

async function attempt<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await Promise.race([act(), tooLate()]);
  } catch (error) {
    if (error instanceof DeployError) throw error;
    const status = statusOf(error);
    const codes: Readonly<Record<number, DeployErrorCode>> = {
      400: 'invalid',
      403: 'denied',
      404: 'not-found',
      409: 'conflict',
      422: 'invalid',
    };
    throw new DeployError({
      code: codes[status ?? 0] ?? 'unavailable',
      what,
      why: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error),
      fix: 'It is tried again while the rollout has time',
      cause: error,
    });
  }
}

async function tooLate(): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, timeoutMs).unref());
  throw new Error(`The cluster did not answer within ${timeoutMs / 1_000} s`);
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
