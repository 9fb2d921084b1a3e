import type { Lane } from '../core/run-events.ts';
import { defaultPool, type Pool } from '../core/tenant.ts';
import type { ApiObject } from './cluster-fetch.ts';
import { managedBy } from './names.ts';

/** What takes precedence when a cluster is full. None of them ever puts a running pod out, whoever's it is. */
const priorities: Readonly<Record<Lane, number>> = { hotfix: 100, main: 10, feature: 0 };
export const laneNames = ['hotfix', 'main', 'feature'] as const;

/** Pods of a pool that has a quota of its own bear classes of their own: by these the cluster counts them. */
export function priorityClassOf(lane: Lane, pool = defaultPool, pools: Readonly<Record<string, Pool>> = {}): string {
  return pools[pool]?.quota === undefined ? `slipway-${lane}` : `slipway-${lane}-${pool}`;
}

/** @param pools of a tenant, whose pods need classes of their own where a pool has a quota */
export function priorityClasses(
  pools: Readonly<Record<string, Pool>> = {},
): readonly (ApiObject & Record<string, unknown>)[] {
  const names = [defaultPool, ...Object.keys(pools)];
  const lanes = new Map(laneNames.flatMap((lane) => names.map((pool) => [priorityClassOf(lane, pool, pools), lane])));
  return [...lanes].map(([name, lane]) => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name, labels: managedBy },
    value: priorities[lane],
    preemptionPolicy: 'Never',
    description: `Slipway's stages of the lane ${lane}: ahead in the queue for nodes, never at a running pod's cost`,
  }));
}
