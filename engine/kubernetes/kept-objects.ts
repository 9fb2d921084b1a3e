import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { statusOf } from './client.ts';
import { type ApiObject, clusterApply, clusterDelete, clusterGet } from './cluster-fetch.ts';
import { managedBy } from './names.ts';

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
/** An object as the cluster has it. */
export type Found = z.infer<typeof listSchema>['items'][number];

/** Where the objects of each kind are, whose names it is given in lower case and plural. */
const places = {
  Namespace: { root: '/api/v1', plural: 'namespaces' },
  ServiceAccount: { root: '/api/v1', plural: 'serviceaccounts' },
  ResourceQuota: { root: '/api/v1', plural: 'resourcequotas' },
  LimitRange: { root: '/api/v1', plural: 'limitranges' },
  Service: { root: '/api/v1', plural: 'services' },
  Deployment: { root: '/apis/apps/v1', plural: 'deployments' },
  NetworkPolicy: { root: '/apis/networking.k8s.io/v1', plural: 'networkpolicies' },
  PriorityClass: { root: '/apis/scheduling.k8s.io/v1', plural: 'priorityclasses' },
} as const;
export type KeptKind = keyof typeof places;

/** Objects that are kept as they should be: read, compared, and written only where they differ. */
export class KeptObjects {
  readonly #config: KubeConfig;
  #writes = 0;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** Objects written so far: they stay few, which tests and figures look at. */
  get writes(): number {
    return this.#writes;
  }

  /**
   * Brings objects in shape, group by group: those of one group at the same time.
   * @param found what the cluster is known to have, by path; absent: it is asked for each
   */
  async apply(groups: readonly (readonly ApiObject[])[], found?: ReadonlyMap<string, Found>): Promise<void> {
    for (const group of groups) {
      await Promise.all(
        group.map(async (wanted) => {
          const path = pathOf(wanted);
          const known = found === undefined ? await this.#read(path) : found.get(path);
          if (known !== undefined && holds(known, wanted)) return;
          this.#writes += 1;
          await clusterApply(this.#config, path, wanted);
        }),
      );
    }
  }

  /** Deletes an object where it is there. */
  async remove(unwanted: Pick<ApiObject, 'kind' | 'metadata'>): Promise<void> {
    const path = pathOf(unwanted);
    if ((await this.#read(path)) === undefined) return;
    this.#writes += 1;
    await clusterDelete(this.#config, path);
  }

  /** All of a kind that Slipway made, by path. */
  async list(kind: KeptKind): Promise<readonly (readonly [string, Found])[]> {
    const { root, plural } = places[kind];
    const answer = await clusterGet(this.#config, `${root}/${plural}?labelSelector=${encodeURIComponent(selector)}`);
    return listSchema.parse(answer).items.map((item) => {
      const { name, namespace } = item.metadata;
      return [pathOf({ kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } }), item] as const;
    });
  }

  async #read(path: string): Promise<Found | undefined> {
    try {
      return listSchema.shape.items.element.parse(await clusterGet(this.#config, path));
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
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
function holds(found: unknown, wanted: unknown): boolean {
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
