import type { Service, ServicePort } from '../objects/network.ts';
import { isReady, type Pod } from '../objects/pod.ts';
import { matches } from '../objects/selectors.ts';
import { resolvePort } from '../pods/ports.ts';
import type { Objects } from '../store/objects.ts';

/** The pods that a Service may send to: ready, chosen by its selector, and not about to go. */
export function readyPods(objects: Objects, service: Service): Pod[] {
  const { selector } = service.spec;
  if (selector === undefined || Object.keys(selector).length === 0) return [];
  return objects.pods
    .list(service.metadata.namespace ?? '')
    .filter((pod) => matches({ matchLabels: selector }, pod.metadata.labels))
    .filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
}

/** Where on this machine a pod serves a Service's port. */
export function targetPort(pod: Pod, port: ServicePort): number | undefined {
  return resolvePort(pod, port.targetPort ?? port.port);
}
