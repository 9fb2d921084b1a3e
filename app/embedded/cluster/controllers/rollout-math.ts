import type { IntOrString } from '../objects/meta.ts';
import type { Deployment } from '../objects/workloads.ts';

/** A count or a share of the replicas, rounded up (surge) or down (unavailable), as Kubernetes does. */
function resolveCount(value: IntOrString, replicas: number, rounding: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const share = (Number.parseInt(value, 10) / 100) * replicas;
  return rounding === 'up' ? Math.ceil(share) : Math.floor(share);
}

export interface RolloutLimits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

export function rolloutLimits({ spec }: Deployment): RolloutLimits {
  if (spec.strategy.type === 'Recreate') return { maxSurge: 0, maxUnavailable: spec.replicas };
  const { maxSurge = '25%', maxUnavailable = '25%' } = spec.strategy.rollingUpdate ?? {};
  const surge = resolveCount(maxSurge, spec.replicas, 'up');
  const unavailable = resolveCount(maxUnavailable, spec.replicas, 'down');
  // Both zero would never move.
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export interface SetCounts {
  /** Replicas wanted. */
  readonly wanted: number;
  /** Pods there are. */
  readonly present: number;
  readonly available: number;
}

/** How large the new ReplicaSet should be now. */
export function newSetSize(
  replicas: number,
  limits: RolloutLimits,
  fresh: SetCounts,
  old: readonly SetCounts[],
): number {
  if (fresh.wanted >= replicas) return replicas;
  const total = fresh.wanted + old.reduce((sum, { wanted }) => sum + wanted, 0);
  const room = replicas + limits.maxSurge - total;
  return room <= 0 ? fresh.wanted : fresh.wanted + Math.min(room, replicas - fresh.wanted);
}

/** How large the old ReplicaSets should be now: pods that are not available go first, oldest set first. */
export function oldSetSizes(
  replicas: number,
  limits: RolloutLimits,
  fresh: SetCounts,
  old: readonly SetCounts[],
): number[] {
  const total = fresh.wanted + old.reduce((sum, { wanted }) => sum + wanted, 0);
  const leastAvailable = replicas - limits.maxUnavailable;
  const freshMissing = fresh.wanted - fresh.available;
  let removable = total - leastAvailable - freshMissing;
  const sizes = old.map(({ wanted }) => wanted);
  if (removable <= 0) return sizes;
  for (const [index, { wanted, available }] of old.entries()) {
    const broken = Math.min(removable, Math.max(0, wanted - available));
    sizes[index] = wanted - broken;
    removable -= broken;
  }
  const available = fresh.available + old.reduce((sum, set) => sum + set.available, 0);
  let spare = available - leastAvailable;
  for (const [index, size] of sizes.entries()) {
    const less = Math.min(size, Math.max(0, spare));
    sizes[index] = size - less;
    spare -= less;
  }
  return sizes;
}
