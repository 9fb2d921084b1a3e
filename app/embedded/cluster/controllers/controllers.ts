import type { Writes } from '../api/writes.ts';
import type { Logger } from '../log.ts';
import { type KubeObject, namespaceOf } from '../objects/meta.ts';
import type { Collection } from '../store/collection.ts';
import { type AnyCollection, allCollections, type Objects } from '../store/objects.ts';
import { reconcileNamespace } from './namespaces.ts';
import { usedOf } from './quota.ts';
import { WorkQueue } from './work-queue.ts';

export interface ControllerParts {
  readonly objects: Objects;
  readonly writes: Writes;
  readonly ca: string;
  readonly log: Logger;
  readonly now: () => Date;
}

/** Starts the controllers: each looks at what changed, and at everything once. @returns the way to stop them */
export function startControllers(parts: ControllerParts): () => void {
  const { objects, writes, ca, log, now } = parts;
  const leaves: (() => void)[] = [];
  const on = <T extends KubeObject>(collection: Collection<T>, act: (object: T) => void): void => {
    for (const object of collection.list()) act(object);
    leaves.push(collection.subscribe({ changed: ({ object }) => act(object) }));
  };
  const queue = (name: string, act: (key: string) => void): WorkQueue => {
    const made = new WorkQueue(name, act, log);
    leaves.push(() => made.stop());
    return made;
  };

  const namespaces = queue('namespaces', (name) => reconcileNamespace(objects, writes, name, { ca, now: now() }));
  on(objects.namespaces, ({ metadata }) => namespaces.add(metadata.name));
  for (const collection of namespaced(objects)) {
    leaves.push(
      collection.subscribe({
        changed: ({ type, object }) => {
          const isLeaving = objects.namespaces.find('', namespaceOf(object))?.metadata.deletionTimestamp !== undefined;
          if (type === 'DELETED' && isLeaving) namespaces.add(namespaceOf(object));
        },
      }),
    );
  }

  const quotas = queue('quotas', (namespace) => {
    for (const quota of objects.resourceQuotas.list(namespace)) {
      const { hard = {} } = quota.spec;
      objects.resourceQuotas.replace({ ...quota, status: { hard, used: usedOf(objects, quota) } });
    }
  });
  on(objects.resourceQuotas, (quota) => quotas.add(namespaceOf(quota)));
  on(objects.pods, (pod) => quotas.add(namespaceOf(pod)));

  return () => {
    for (const leave of leaves) leave();
  };
}

function namespaced(objects: Objects): AnyCollection[] {
  return allCollections(objects).filter(({ resource }) => resource.isNamespaced);
}
