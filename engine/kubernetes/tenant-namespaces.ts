import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import type { SettingsOfTenant } from '../core/tenant.ts';
import { EngineError } from '../ports/errors.ts';
import { reasonOf, statusOf } from './client.ts';
import { type ApiObject, clusterApply, clusterGet } from './cluster-fetch.ts';
import { annotations, managedBy } from './names.ts';
import { tenantNamespace } from './namespace.ts';
import { priorityClasses } from './priority-classes.ts';
import { tenantObjects } from './tenant-objects.ts';
import type { WayFinder } from './ways.ts';

const repairEveryMs = 30_000;
const selector = Object.entries(managedBy)
  .map(([name, value]) => `${name}=${value}`)
  .join();

const listSchema = z.object({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({
        name: z.string(),
        namespace: z.string().optional(),
        annotations: z.record(z.string(), z.string()).optional(),
        deletionTimestamp: z.string().optional(),
      }),
    }),
  ),
});
type Listed = z.infer<typeof listSchema>['items'][number];

/** Where the objects of each kind are, whose names it is given in lower case and plural. */
const places = {
  Namespace: { root: '/api/v1', plural: 'namespaces' },
  ServiceAccount: { root: '/api/v1', plural: 'serviceaccounts' },
  ResourceQuota: { root: '/api/v1', plural: 'resourcequotas' },
  LimitRange: { root: '/api/v1', plural: 'limitranges' },
  NetworkPolicy: { root: '/apis/networking.k8s.io/v1', plural: 'networkpolicies' },
  PriorityClass: { root: '/apis/scheduling.k8s.io/v1', plural: 'priorityclasses' },
} as const;
type Kind = keyof typeof places;
const tenantKinds = ['Namespace', 'ServiceAccount', 'ResourceQuota', 'LimitRange', 'NetworkPolicy'] as const;

/** Makes tenants' namespaces and keeps them in shape: it reads, compares, and writes only what differs. */
export class TenantNamespaces {
  readonly #config: KubeConfig;
  readonly #prefix: string;
  readonly #settingsOf: SettingsOfTenant;
  readonly #ways: WayFinder;
  readonly #onError: (error: unknown) => void;
  readonly #ready = new Map<string, Promise<string>>();
  #classes: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writes = 0;

  constructor(parts: {
    readonly config: KubeConfig;
    readonly prefix: string;
    readonly settingsOf: SettingsOfTenant;
    readonly ways: WayFinder;
    readonly onError: (error: unknown) => void;
  }) {
    this.#config = parts.config;
    this.#prefix = parts.prefix;
    this.#settingsOf = parts.settingsOf;
    this.#ways = parts.ways;
    this.#onError = parts.onError;
  }

  /** Objects written so far: they stay few, which tests and figures look at. */
  get writes(): number {
    return this.#writes;
  }

  nameOf(tenant: string): string {
    return tenantNamespace(this.#prefix, tenant);
  }

  /**
   * The tenant's namespace, in shape. Asks the cluster once; from then on `repair` looks after it.
   * @throws EngineError `denied`, `unavailable`
   */
  ensure(tenant: string): Promise<string> {
    const known = this.#ready.get(tenant);
    if (known !== undefined) return known;
    const made = this.#make(tenant).catch((error: unknown) => {
      this.#ready.delete(tenant);
      throw error;
    });
    this.#ready.set(tenant, made);
    return made;
  }

  /** A pod found it missing: the next `ensure` makes it again. */
  forget(tenant: string): void {
    this.#ready.delete(tenant);
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
    const lists = await Promise.all(tenantKinds.map((kind) => this.#list(kind)));
    const found = new Map(lists.flat());
    await this.#applyClasses();
    const left = [...found.values()].flatMap(({ metadata }) => {
      const tenant = metadata.annotations?.[annotations.tenant];
      // The annotation is only believed where it names the namespace that it stands on.
      return tenant !== undefined && metadata.namespace === undefined && metadata.name === this.nameOf(tenant)
        ? [{ tenant, isGoing: metadata.deletionTimestamp !== undefined }]
        : [];
    });
    for (const { tenant, isGoing } of left) {
      if (isGoing) this.forget(tenant);
      else await this.#bringInShape(tenant, async (path) => found.get(path));
    }
  }

  async #make(tenant: string): Promise<string> {
    try {
      this.#classes ??= this.#applyClasses();
      await this.#classes;
      await this.#bringInShape(tenant, (path) => this.#read(path));
      return this.nameOf(tenant);
    } catch (cause) {
      this.#classes = undefined;
      const isDenied = statusOf(cause) === 403 && !reasonOf(cause).includes('being terminated');
      throw new EngineError({
        code: isDenied ? 'denied' : 'unavailable',
        what: `Making the namespace ${this.nameOf(tenant)}`,
        why: reasonOf(cause),
        fix: isDenied ? "Give Slipway's service account what the chart's access.yaml lists" : 'It is tried again',
        cause,
      });
    }
  }

  async #applyClasses(): Promise<void> {
    for (const wanted of priorityClasses()) {
      const path = pathOf(wanted);
      await this.#applyWhereDifferent(path, wanted, await this.#read(path));
    }
  }

  /** The namespace first, then what it holds; pods come only when all of it is there. */
  async #bringInShape(tenant: string, read: (path: string) => Promise<Listed | undefined>): Promise<void> {
    const settings = this.#settingsOf(tenant);
    const ways = await this.#ways.waysOf(tenant, settings.egress.proxy);
    const [namespace, ...inside] = tenantObjects(this.nameOf(tenant), tenant, settings, ways);
    for (const wanted of namespace === undefined ? [] : [[namespace], inside]) {
      await Promise.all(
        wanted.map(async (object) => {
          const path = pathOf(object);
          await this.#applyWhereDifferent(path, object, await read(path));
        }),
      );
    }
  }

  async #applyWhereDifferent(path: string, wanted: ApiObject, found: Listed | undefined): Promise<void> {
    if (found !== undefined && holds(found, wanted)) return;
    this.#writes += 1;
    await clusterApply(this.#config, path, wanted);
  }

  async #read(path: string): Promise<Listed | undefined> {
    try {
      return listSchema.shape.items.element.parse(await clusterGet(this.#config, path));
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async #list(kind: Kind): Promise<readonly (readonly [string, Listed])[]> {
    const { root, plural } = places[kind];
    const answer = await clusterGet(this.#config, `${root}/${plural}?labelSelector=${encodeURIComponent(selector)}`);
    return listSchema.parse(answer).items.map((item) => {
      const { name, namespace } = item.metadata;
      return [pathOf({ kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } }), item] as const;
    });
  }
}

function pathOf({ kind, metadata }: Pick<ApiObject, 'kind' | 'metadata'>): string {
  const place = Object.entries(places).find(([name]) => name === kind)?.[1];
  if (place === undefined) throw new RangeError(`Slipway makes no ${kind}`);
  const { root, plural } = place;
  return metadata.namespace === undefined
    ? `${root}/${plural}/${metadata.name}`
    : `${root}/namespaces/${metadata.namespace}/${plural}/${metadata.name}`;
}

/**
 * Whether an object says all that is wanted of it: it may have more fields, as the cluster and others add them, but no
 * more entries in a list. `apiVersion` and `kind` stand in no list's items.
 */
export function holds(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    const items: readonly unknown[] = Array.isArray(found) ? found : [];
    return items.length === wanted.length && wanted.every((item, index) => holds(items[index], item));
  }
  if (typeof wanted !== 'object' || wanted === null) return found === wanted;
  const fields = new Map<string, unknown>(typeof found === 'object' && found !== null ? Object.entries(found) : []);
  return Object.entries(wanted).every(
    ([name, value]) => name === 'apiVersion' || name === 'kind' || holds(fields.get(name), value),
  );
}
