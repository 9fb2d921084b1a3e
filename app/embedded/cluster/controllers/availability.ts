import { isReady, type Pod } from '../objects/pod.ts';

/** How long until a ready pod counts as available, in milliseconds: 0 when it does, undefined while it is not ready. */
export function untilAvailableMs(pod: Pod, minReadySeconds: number, now: Date): number | undefined {
  if (!isReady(pod) || pod.metadata.deletionTimestamp !== undefined) return undefined;
  if (minReadySeconds === 0) return 0;
  const since = pod.status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  const readyMs = now.getTime() - Date.parse(since ?? now.toISOString());
  return Math.max(0, minReadySeconds * 1000 - readyMs);
}
