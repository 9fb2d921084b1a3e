import type { Resources } from './pipeline.ts';
import type { Lane } from './run-events.ts';

/** Which nodes' taints a pool's pods bear. */
export interface Toleration {
  /** Absent: every taint of that effect. */
  readonly key?: string;
  /** Absent: whatever the taint's value. */
  readonly value?: string;
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** What pods may ask for together. */
export type Quota = Partial<Resources & { readonly pods: number }>;

/** A class of nodes for stages. */
export interface Pool {
  /** Stages of the tenant in it at once. */
  readonly slots: number;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  /** Of the tenant's stages in it at once, beside the quota of all; the cluster itself holds to it. */
  readonly quota?: Quota;
}

export const defaultPool = 'default';

/** What one tenant's stages may use and reach, as the administrator says. */
export interface TenantSettings {
  /** `default` is always among them. */
  readonly pools: Readonly<Record<string, Pool>>;
  /** What stands in for images that pipelines name. */
  readonly images: Readonly<Record<string, string>>;
  /** Names of Secrets in the tenant's namespace with logins to registries. */
  readonly pullSecrets: readonly string[];
  /** Of all stages at once. */
  readonly quota: Resources & { readonly pods: number };
  /** Of a lane's stages at once, beside the quota of all: what is kept free for the others. */
  readonly lanes: Readonly<Partial<Record<Lane, Quota>>>;
  /** Of one container. */
  readonly largestStage: Resources;
  readonly egress: Egress;
  /** What deployed services reach beside each other and what is public, in CIDR notation. */
  readonly environments: { readonly egress: Pick<Egress, 'allow'> };
  /** Names with fewer dots are looked up in the cluster first, domain by domain. */
  readonly ndots: number;
}

/** What stages reach beside name servers, the agents' endpoint and the tenant's Git host. */
export interface Egress {
  /** Networks that are not public, in CIDR notation. */
  readonly allow: readonly string[];
  /** Public networks that are out of reach all the same. */
  readonly deny: readonly string[];
  /** Name servers outside of `kube-system`, in CIDR notation. */
  readonly dns: readonly string[];
  /** `http://host:port` of a proxy that is then the only way to public addresses. */
  readonly proxy?: string;
  /** Hosts, such as `example.com` or `*.example.com:8443`, that a proxy of Slipway's own then leads to, and no others. */
  readonly names?: readonly string[];
}

/** Settings of each tenant; one that is not named has the defaults. */
export type SettingsOfTenant = (tenant: string) => TenantSettings;
