import { createHash } from 'node:crypto';
import type { SettingsOfTenant, TenantSettings } from '../core/tenant.ts';
import { restrictedContainer, restrictedPod } from '../restricted-pod.ts';
import type { ApiObject } from './cluster-fetch.ts';
import { egressRules, type Ways } from './egress-rules.ts';
import { managedBy } from './names.ts';
import { accountObject, namespaceObject } from './tenant-objects.ts';

const egressProxyPort = 3128;
const replicas = 2;

/** All tenants' proxies are in a namespace of their own, out of the reach of those whose way they guard. */
function namespaceOf(prefix: string): string {
  return `${prefix}-egress`;
}

function nameOf(tenant: string): string {
  return `egress-${createHash('sha256').update(tenant).digest('hex').slice(0, 16)}`;
}

/** Settings in which a list of names has become what it means for stages: the proxy that keeps it. */
export function withEgressProxies(settingsOf: SettingsOfTenant, prefix: string): SettingsOfTenant {
  return (tenant) => {
    const settings = settingsOf(tenant);
    if (settings.egress.names === undefined) return settings;
    const proxy = `http://${nameOf(tenant)}.${namespaceOf(prefix)}.svc.cluster.local:${egressProxyPort}`;
    return { ...settings, egress: { ...settings.egress, proxy } };
  };
}

/** What runs a tenant's proxy: without it the rest leads nowhere. */
export function egressProxyDeployment(prefix: string, tenant: string): Pick<ApiObject, 'kind' | 'metadata'> {
  return { kind: 'Deployment', metadata: { name: nameOf(tenant), namespace: namespaceOf(prefix) } };
}

/**
 * A tenant's proxy, group by group: only its stages reach it, and it reaches what stages without a list would.
 * @param facts.gitHosts `host:port` that stages have to reach as well
 * @param facts.ways as of a tenant without a list of names
 */
export function egressProxyObjects(facts: {
  readonly prefix: string;
  readonly tenant: string;
  readonly stages: string;
  readonly image: string;
  readonly settings: TenantSettings;
  readonly gitHosts: readonly string[];
  readonly ways: Ways;
}): readonly (readonly (ApiObject & Record<string, unknown>)[])[] {
  const { prefix, tenant, stages, image, settings, gitHosts, ways } = facts;
  const { allow, deny, dns, names = [] } = settings.egress;
  const namespace = namespaceOf(prefix);
  const name = nameOf(tenant);
  const labels = { 'app.kubernetes.io/name': name };
  const metadata = { name, namespace, labels: { ...managedBy, ...labels } };
  const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
  return [
    [namespaceObject(namespace, {})],
    [
      accountObject(namespace),
      {
        ...policy,
        metadata: { name: 'slipway-nothing-else', namespace, labels: managedBy },
        spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
      },
      {
        ...policy,
        metadata,
        spec: {
          podSelector: { matchLabels: labels },
          policyTypes: ['Ingress', 'Egress'],
          ingress: [
            {
              from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': stages } } }],
              ports: [{ protocol: 'TCP', port: egressProxyPort }],
            },
          ],
          egress: egressRules({ allow, deny, dns }, { ...ways, agents: nowhere }),
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { selector: labels, ports: [{ name: 'proxy', port: egressProxyPort, protocol: 'TCP' }] },
      },
    ],
    [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: {
          replicas,
          selector: { matchLabels: labels },
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
          template: {
            metadata: { labels: { ...labels, 'app.kubernetes.io/part-of': 'slipway' } },
            spec: {
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              securityContext: restrictedPod,
              containers: [
                {
                  name: 'proxy',
                  image,
                  command: [
                    ...['slipway', 'egress-proxy', '--port', String(egressProxyPort)],
                    ...names.flatMap((it) => ['--name', it]),
                    ...gitHosts.flatMap((it) => ['--trusted', it]),
                    ...allow.flatMap((it) => ['--allow', it]),
                    ...[...deny, ...ways.never].flatMap((it) => ['--deny', it]),
                  ],
                  ports: [{ name: 'proxy', containerPort: egressProxyPort, protocol: 'TCP' }],
                  readinessProbe: { tcpSocket: { port: egressProxyPort }, periodSeconds: 2 },
                  resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '256Mi' } },
                  securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
                },
              ],
            },
          },
        },
      },
    ],
  ];
}

/** Proxies have nothing to tell Slipway. */
const nowhere: Ways['agents'] = { port: egressProxyPort, to: { type: 'addresses', cidrs: [] } };
