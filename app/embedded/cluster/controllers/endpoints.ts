import type { Writes } from '../api/writes.ts';
import type { KubeObject } from '../objects/meta.ts';
import type { Service } from '../objects/network.ts';
import type { Pod } from '../objects/pod.ts';
import type { Collection } from '../store/collection.ts';
import type { Objects } from '../store/objects.ts';
import { readyPods, targetPort } from './ready-pods.ts';

/** Keeps a Service's Endpoints and EndpointSlice, which show where its ready pods listen. */
export function reconcileEndpoints(objects: Objects, writes: Writes, namespace: string, name: string): void {
  const service = objects.services.find(namespace, name);
  if (service === undefined || service.spec.selector === undefined) {
    if (service !== undefined) return;
    dropOurs(objects.endpoints, namespace, name);
    dropOurs(objects.endpointSlices, namespace, name);
    return;
  }
  const pods = readyPods(objects, service);
  const metadata = {
    name,
    labels: { 'kubernetes.io/service-name': name },
    ownerReferences: [
      {
        apiVersion: 'v1',
        kind: 'Service',
        name,
        uid: service.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  };
  // Here each pod has ports of its own on one address, so each gets a subset of its own.
  const subsets = pods.map((pod) => ({
    addresses: [{ ip: '127.0.0.1', targetRef: referenceTo(pod) }],
    ports: portsOf(service, pod),
  }));
  const endpoints = { metadata, ...(subsets.length === 0 ? {} : { subsets }) };
  const slice = {
    metadata,
    addressType: 'IPv4',
    endpoints: pods.map((pod) => ({
      addresses: ['127.0.0.1'],
      conditions: { ready: true },
      targetRef: referenceTo(pod),
    })),
    // kubectl reads the name of a slice's port without asking whether there is one; Kubernetes writes an empty one.
    ports: pods[0] === undefined ? [] : portsOf(service, pods[0]).map((port) => ({ name: '', ...port })),
  };
  if (objects.endpoints.find(namespace, name) === undefined) writes.create(objects.endpoints, namespace, endpoints);
  else writes.update(objects.endpoints, namespace, name, endpoints);
  if (objects.endpointSlices.find(namespace, name) === undefined)
    writes.create(objects.endpointSlices, namespace, slice);
  else writes.update(objects.endpointSlices, namespace, name, slice);
}

function dropOurs<T extends KubeObject>(collection: Collection<T>, namespace: string, name: string): void {
  const left = collection.find(namespace, name);
  if (left?.metadata.labels?.['kubernetes.io/service-name'] === name) collection.remove(left);
}

function referenceTo(pod: Pod): object {
  const { name, namespace, uid } = pod.metadata;
  return { kind: 'Pod', name, namespace, uid };
}

function portsOf(service: Service, pod: Pod): { name?: string; port: number; protocol: string }[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const local = targetPort(pod, port);
    const named = port.name === undefined ? {} : { name: port.name };
    return local === undefined ? [] : [{ ...named, port: local, protocol: 'TCP' }];
  });
}
