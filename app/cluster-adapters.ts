import type { KubeConfig } from '@kubernetes/client-node';
import { kubernetesCluster } from '../deploy/kubernetes/cluster.ts';
import type { Cluster } from '../deploy/ports/cluster.ts';
import type { EnvironmentRef } from '../deploy/revision.ts';
import type { SettingsOfTenant } from '../engine/core/tenant.ts';
import { withEgressProxies } from '../engine/kubernetes/egress-proxy-objects.ts';
import { kubernetesPodRunner } from '../engine/kubernetes/pod-runner.ts';
import { TenantNamespaces } from '../engine/kubernetes/tenant-namespaces.ts';
import { partsOf, WayFinder } from '../engine/kubernetes/ways.ts';
import type { PodRunner } from '../engine/ports/pod-runner.ts';
import type { Config } from './config.ts';
import { defaultTenantSettings } from './tenant-settings.ts';

const namespacePrefix = 'slipway';

/** What of Slipway lives in the cluster: tenants' namespaces, the stages in them, and what is deployed. */
export interface ClusterAdapters {
  /** A tenant's settings as they hold in this cluster: where names are listed, the ways out lead through a proxy. */
  readonly settingsOf: SettingsOfTenant;
  /** Of a tenant's stages; the same name over restarts. */
  readonly namespaceOf: (tenant: string) => string;
  readonly environmentNamespaceOf: (environment: EnvironmentRef) => string;
  readonly pods: PodRunner;
  readonly deployments: Cluster;
  /** Keeps the namespaces in shape from here on. */
  start(): void;
  stop(): void;
}

/** @param hostUrl where a provider's Git host answers, for the ways that stay open to stages; undefined: none is set up */
export function clusterAdapters(
  kubernetes: KubeConfig,
  config: Config,
  parts: {
    readonly hostUrl: (provider: string) => string | undefined;
    readonly onError: (error: unknown) => void;
  },
): ClusterAdapters {
  const { agents, agentImage, agentPrograms, networkPolicies } = config;
  const { hostUrl, onError } = parts;
  const agentHost = agents.advertise ?? agents.host;
  const agentEndpoint = `${agentHost}:${agents.port}`;
  const listed = config.tenants ?? defaultTenantSettings(config);
  // The embedded cluster keeps nobody from anywhere, so there is nothing that a proxy could guard.
  const isGuarded = agentPrograms === undefined;
  const settingsOf = isGuarded ? withEgressProxies(listed, namespacePrefix) : listed;
  const namespaces = new TenantNamespaces({
    config: kubernetes,
    prefix: namespacePrefix,
    settingsOf: listed,
    ...(isGuarded ? { proxyImage: agentImage } : {}),
    ways: new WayFinder({
      agents: { host: agentHost, port: agents.port },
      apiServer: partsOf(kubernetes.getCurrentCluster()?.server ?? ''),
      of: (tenant) => {
        const url = hostUrl(tenant.split(':')[0] ?? '');
        return url === undefined ? [] : [partsOf(url)];
      },
    }),
    onError,
  });
  return {
    settingsOf,
    namespaceOf: (tenant) => namespaces.nameOf(tenant),
    environmentNamespaceOf: (environment) => namespaces.nameOfEnvironment(environment),
    pods: kubernetesPodRunner({
      config: kubernetes,
      namespaces,
      settings: {
        agentEndpoint,
        agentImage,
        tenant: settingsOf,
        ...(networkPolicies === undefined ? {} : { networkPolicies }),
        ...(agentPrograms === undefined ? {} : { agentCommand: agentPrograms.agent }),
      },
      onError,
    }),
    deployments: kubernetesCluster(kubernetes, {
      namespaceOf: (environment) => namespaces.nameOfEnvironment(environment),
      ensureNamespace: (environment) => namespaces.ensureEnvironment(environment),
      agentEndpoint,
      agentImage,
      tenant: settingsOf,
      ...(agentPrograms === undefined ? {} : { fetchCommand: agentPrograms.fetchArtifact }),
    }),
    start: () => namespaces.start(),
    stop: () => namespaces.stop(),
  };
}
