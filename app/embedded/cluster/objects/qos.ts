import type { Pod } from './pod.ts';

/** How well a pod's resources are promised to it, as Kubernetes ranks pods; requests default to the limits. */
export function qosClassOf({ spec }: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = spec.containers.map(({ resources: { requests = {}, limits = {} } }) => ({
    requests: { ...limits, ...requests },
    limits,
  }));
  const ranked = ['cpu', 'memory'];
  if (all.every(({ requests }) => ranked.every((name) => requests[name] === undefined))) return 'BestEffort';
  return all.every(({ requests, limits }) =>
    ranked.every((name) => limits[name] !== undefined && requests[name] === limits[name]),
  )
    ? 'Guaranteed'
    : 'Burstable';
}
