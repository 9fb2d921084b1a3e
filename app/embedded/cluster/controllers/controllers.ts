import type { Writes } from '../api/writes.ts';
import type { Logger } from '../log.ts';
import { controllerOf, type KubeObject, keyOf, keyOfObject, namespaceOf } from '../objects/meta.ts';
import { matches } from '../objects/selectors.ts';
import type { Change, Collection } from '../store/collection.ts';
import { type AnyCollection, allCollections, type Objects } from '../store/objects.ts';
import { reconcileDeployment } from './deployments.ts';
import { reconcileEndpoints } from './endpoints.ts';
import type { EventRecorder } from './events.ts';
import { GarbageCollector } from './garbage.ts';
import { reconcileNamespace } from './namespaces.ts';
import { usedOf } from './quota.ts';
import { reconcileReplicaSet } from './replica-sets.ts';
import { WorkQueue } from './work-queue.ts';

export interface ControllerParts {
  readonly objects: Objects;
  readonly writes: Writes;
  readonly events: EventRecorder;
  readonly ca: string;
  readonly log: Logger;
  readonly now: () => Date;
}

/** Starts the controllers: each looks at what changed, and at everything once. @returns the way to stop them */
export function startControllers(parts: ControllerParts): () => void {
  const { objects } = parts;
  const leaves: (() => void)[] = [];
  const on = <T extends KubeObject>(collection: Collection<T>, act: (object: T, change?: Change<T>) => void): void => {
    for (const object of collection.list()) act(object);
    leaves.push(collection.subscribe({ changed: (change) => act(change.object, change) }));
  };
  const queue = (name: string, act: (key: string) => number | undefined): WorkQueue => {
    const made: WorkQueue = new WorkQueue(
      name,
      (key) => {
        const againMs = act(key);
        if (againMs !== undefined) made.addLater(key, againMs);
      },
      parts.log,
    );
    leaves.push(() => made.stop());
    return made;
  };
  startNamespaces(parts, on, queue);
  startQuotas(parts, on, queue);
  startWorkloads(parts, on, queue);
  startEndpoints(parts, on, queue);
  startGarbage(objects, parts, on, queue);
  return () => {
    for (const leave of leaves) leave();
  };
}

type On = <T extends KubeObject>(collection: Collection<T>, act: (object: T, change?: Change<T>) => void) => void;
type Queue = (name: string, act: (key: string) => number | undefined) => WorkQueue;

function split(key: string): [namespace: string, name: string] {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
}

function startNamespaces({ objects, writes, ca, now }: ControllerParts, on: On, queue: Queue): void {
  const namespaces = queue('namespaces', (name) => {
    reconcileNamespace(objects, writes, name, { ca, now: now() });
    return undefined;
  });
  on(objects.namespaces, ({ metadata }) => namespaces.add(metadata.name));
  for (const collection of allCollections(objects).filter(({ resource }) => resource.isNamespaced)) {
    on(collection, (object, change) => {
      const namespace = objects.namespaces.find('', namespaceOf(object));
      const isLeaving = namespace?.metadata.deletionTimestamp !== undefined;
      if (change?.type === 'DELETED' && isLeaving) namespaces.add(namespaceOf(object));
    });
  }
}

function startQuotas({ objects }: ControllerParts, on: On, queue: Queue): void {
  const quotas = queue('quotas', (namespace) => {
    for (const quota of objects.resourceQuotas.list(namespace)) {
      const { hard = {} } = quota.spec;
      objects.resourceQuotas.replace({ ...quota, status: { hard, used: usedOf(objects, quota) } });
    }
    return undefined;
  });
  on(objects.resourceQuotas, (quota) => quotas.add(namespaceOf(quota)));
  on(objects.pods, (pod) => quotas.add(namespaceOf(pod)));
}

function startWorkloads(parts: ControllerParts, on: On, queue: Queue): void {
  const { objects } = parts;
  const deployments = queue('deployments', (key) => reconcileDeployment(parts, ...split(key)));
  const sets = queue('replicasets', (key) => reconcileReplicaSet(parts, ...split(key)));
  on(objects.deployments, (deployment) => deployments.add(keyOfObject(deployment)));
  on(objects.replicaSets, (set) => {
    sets.add(keyOfObject(set));
    const owner = controllerOf(set);
    if (owner?.kind === 'Deployment') deployments.add(`${namespaceOf(set)}/${owner.name}`);
  });
  on(objects.pods, (pod, change) => {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return;
    sets.add(`${namespaceOf(pod)}/${owner.name}`);
    if (change?.type !== 'DELETED') return;
    // A Recreate waits for the last old pod, which its set no longer counts.
    const set = objects.replicaSets.find(namespaceOf(pod), owner.name);
    const upper = set === undefined ? undefined : controllerOf(set);
    if (upper !== undefined) deployments.add(`${namespaceOf(pod)}/${upper.name}`);
  });
}

function startEndpoints({ objects, writes }: ControllerParts, on: On, queue: Queue): void {
  const endpoints = queue('endpoints', (key) => {
    reconcileEndpoints(objects, writes, ...split(key));
    return undefined;
  });
  on(objects.services, (service) => endpoints.add(keyOfObject(service)));
  on(objects.pods, (pod) => {
    for (const service of objects.services.list(namespaceOf(pod))) {
      const { selector } = service.spec;
      if (selector !== undefined && matches({ matchLabels: selector }, pod.metadata.labels))
        endpoints.add(keyOfObject(service));
    }
  });
}

function startGarbage(objects: Objects, { now }: ControllerParts, on: On, queue: Queue): void {
  const garbage = new GarbageCollector(objects, now);
  const gone = new Map<string, KubeObject>();
  const owners = queue('garbage', (uid) => {
    const owner = gone.get(uid);
    gone.delete(uid);
    if (owner !== undefined) garbage.ownerGone(owner);
    return undefined;
  });
  const going = new Map<AnyCollection, WorkQueue>();
  for (const collection of allCollections(objects)) {
    const waiting = queue(`garbage of ${collection.resource.plural}`, (key) => {
      const [namespace, name] = collection.resource.isNamespaced ? split(key) : ['', key];
      const owner = collection.find(namespace, name);
      if (owner !== undefined) garbage.ownerGoing(collection, owner);
      return undefined;
    });
    going.set(collection, waiting);
  }
  for (const [collection, waiting] of going) {
    on(collection, (object, change) => {
      if (change?.type !== 'DELETED') {
        if (object.metadata.deletionTimestamp !== undefined) waiting.add(keyOfObject(object));
        return;
      }
      gone.set(object.metadata.uid, object);
      owners.add(object.metadata.uid);
      // Owners that wait for this one (foreground deletion) look again.
      for (const { kind, name } of object.metadata.ownerReferences ?? []) {
        for (const [owning, queued] of going) {
          if (owning.resource.kind === kind)
            queued.add(keyOf(owning.resource.isNamespaced ? namespaceOf(object) : '', name));
        }
      }
    });
  }
  garbage.sweep();
}
