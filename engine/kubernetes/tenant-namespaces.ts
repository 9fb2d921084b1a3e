import type { KubeConfig } from '@kubernetes/client-node';
import type { SettingsOfTenant } from '../core/tenant.ts';
import { EngineError } from '../ports/errors.ts';
import { reasonOf, statusOf } from './client.ts';
import type { ApiObject } from './cluster-fetch.ts';
import { egressProxyDeployment, egressProxyObjects, withEgressProxies } from './egress-proxy-objects.ts';
import { type EnvironmentPlace, environmentObjects } from './environment-objects.ts';
import { type Found, KeptObjects } from './kept-objects.ts';
import { annotations } from './names.ts';
import { environmentNamespace, tenantNamespace } from './namespace.ts';
import { priorityClasses } from './priority-classes.ts';
import { tenantObjects } from './tenant-objects.ts';
import type { WayFinder } from './ways.ts';

const repairEveryMs = 30_000;
const namespaceKinds = ['Namespace', 'ServiceAccount', 'ResourceQuota', 'LimitRange', 'NetworkPolicy'] as const;

/** What a namespace is for: a tenant's stages, or one environment's services. */
type Place = { readonly tenant: string } | EnvironmentPlace;

/** Makes tenants' namespaces, for stages and for what they deploy, and keeps them in shape. */
export class TenantNamespaces {
  readonly #objects: KeptObjects;
  readonly #prefix: string;
  readonly #settingsOf: SettingsOfTenant;
  readonly #ways: WayFinder;
  readonly #proxyImage: string | undefined;
  readonly #onError: (error: unknown) => void;
  /** Namespaces that were seen to, by name. */
  readonly #ready = new Map<string, Promise<string>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: {
    readonly config: KubeConfig;
    readonly prefix: string;
    readonly settingsOf: SettingsOfTenant;
    readonly ways: WayFinder;
    /** Slipway's own, for the proxies that keep lists of names; absent where there can be none. */
    readonly proxyImage?: string;
    readonly onError: (error: unknown) => void;
  }) {
    this.#objects = new KeptObjects(parts.config);
    this.#prefix = parts.prefix;
    this.#settingsOf =
      parts.proxyImage === undefined ? parts.settingsOf : withEgressProxies(parts.settingsOf, parts.prefix);
    this.#ways = parts.ways;
    this.#proxyImage = parts.proxyImage;
    this.#onError = parts.onError;
  }

  /** Objects written so far: they stay few, which tests and figures look at. */
  get writes(): number {
    return this.#objects.writes;
  }

  nameOf(tenant: string): string {
    return tenantNamespace(this.#prefix, tenant);
  }

  nameOfEnvironment({ tenant, repositoryId, environment }: EnvironmentPlace): string {
    return environmentNamespace(this.#prefix, `${tenant}/${repositoryId}`, environment);
  }

  /**
   * The namespace of a tenant's stages, in shape. Asks the cluster once; from then on `repair` looks after it.
   * @throws EngineError `denied`, `unavailable`
   */
  ensure(tenant: string): Promise<string> {
    return this.#ensure({ tenant });
  }

  /** The same for the namespace of an environment. @throws EngineError `denied`, `unavailable` */
  ensureEnvironment({ tenant, repositoryId, environment }: EnvironmentPlace): Promise<string> {
    return this.#ensure({ tenant, repositoryId, environment });
  }

  /** A pod found it missing: the next `ensure` makes it again. */
  forget(tenant: string): void {
    this.#ready.delete(this.nameOf(tenant));
  }

  /** Looks at all tenants' namespaces again and again, until stopped. */
  start(): void {
    this.#timer = setTimeout(() => {
      this.repair()
        .catch(this.#onError)
        .finally(() => {
          if (this.#timer !== undefined) this.start();
        });
    }, repairEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Compares all tenants' namespaces with what they should be; one list a kind, however many they are. */
  async repair(): Promise<void> {
    const lists = await Promise.all(namespaceKinds.map((kind) => this.#objects.list(kind)));
    const found = new Map(lists.flat());
    await this.#objects.apply([priorityClasses()]);
    const names = new Set([...found.values()].map(({ metadata }) => metadata.name));
    for (const name of this.#ready.keys()) if (!names.has(name)) this.#ready.delete(name);
    for (const namespace of found.values()) {
      const place = this.#placeOf(namespace);
      if (place === undefined) continue;
      if (namespace.metadata.deletionTimestamp !== undefined) this.#ready.delete(namespace.metadata.name);
      else {
        await this.#objects.apply(await this.#wanted(place), found);
        await this.#objects.apply(await this.#proxy(place));
      }
    }
  }

  #name(place: Place): string {
    return 'environment' in place ? this.nameOfEnvironment(place) : this.nameOf(place.tenant);
  }

  /** What a namespace is for. Its annotations are only believed where they name the namespace that they stand on. */
  #placeOf({ metadata }: Found): Place | undefined {
    const {
      [annotations.tenant]: tenant,
      [annotations.repository]: repositoryId,
      [annotations.environment]: environment,
    } = metadata.annotations ?? {};
    if (tenant === undefined || metadata.namespace !== undefined) return undefined;
    const place =
      repositoryId === undefined || environment === undefined ? { tenant } : { tenant, repositoryId, environment };
    return this.#name(place) === metadata.name ? place : undefined;
  }

  #ensure(place: Place): Promise<string> {
    const name = this.#name(place);
    const known = this.#ready.get(name);
    if (known !== undefined) return known;
    const made = this.#make(place, name).catch((error: unknown) => {
      this.#ready.delete(name);
      throw error;
    });
    this.#ready.set(name, made);
    return made;
  }

  async #make(place: Place, name: string): Promise<string> {
    try {
      const classes = 'environment' in place ? [] : priorityClasses(this.#settingsOf(place.tenant).pools);
      const proxy = await this.#proxy(place);
      await this.#objects.apply([classes, ...(await this.#wanted(place)), ...proxy]);
      // One that the settings named once, before this process started.
      if (this.#proxyImage !== undefined && proxy.length === 0 && !('environment' in place))
        await this.#objects.remove(egressProxyDeployment(this.#prefix, place.tenant));
      return name;
    } catch (cause) {
      const isDenied = statusOf(cause) === 403 && !reasonOf(cause).includes('being terminated');
      throw new EngineError({
        code: isDenied ? 'denied' : 'unavailable',
        what: `Making the namespace ${name}`,
        why: reasonOf(cause),
        fix: isDenied ? "Give Slipway's service account what the chart's access.yaml lists" : 'It is tried again',
        cause,
      });
    }
  }

  /** The namespace first, then what it holds; pods come only when all of it is there. */
  async #wanted(place: Place): Promise<readonly (readonly ApiObject[])[]> {
    const settings = this.#settingsOf(place.tenant);
    const ways = await this.#ways.waysOf(place.tenant, settings.egress);
    const [namespace, ...inside] =
      'environment' in place
        ? environmentObjects(this.#name(place), place, settings, { ...ways, others: [] })
        : tenantObjects(this.#name(place), place.tenant, settings, ways);
    return namespace === undefined ? [] : [[namespace], inside];
  }

  /** The proxy of a tenant whose stages reach named hosts alone. */
  async #proxy(place: Place): Promise<readonly (readonly ApiObject[])[]> {
    const { tenant } = place;
    const settings = this.#settingsOf(tenant);
    if (this.#proxyImage === undefined || settings.egress.names === undefined || 'environment' in place) return [];
    return egressProxyObjects({
      prefix: this.#prefix,
      tenant,
      stages: this.nameOf(tenant),
      image: this.#proxyImage,
      settings,
      gitHosts: this.#ways.hostsOf(tenant),
      ways: await this.#ways.waysOf(tenant, {}),
    });
  }
}
