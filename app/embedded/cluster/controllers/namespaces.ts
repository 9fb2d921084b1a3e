import { deleteObject } from '../api/deletion.ts';
import type { Writes } from '../api/writes.ts';
import { type AnyCollection, allCollections, type Objects } from '../store/objects.ts';

/** Gives each namespace its default service account and root certificate, and empties those that are to go. */
export function reconcileNamespace(
  objects: Objects,
  writes: Writes,
  name: string,
  options: { readonly ca: string; readonly now: Date },
): void {
  const namespace = objects.namespaces.find('', name);
  if (namespace === undefined) return;
  if (namespace.metadata.deletionTimestamp === undefined) {
    if (objects.serviceAccounts.find(name, 'default') === undefined) {
      writes.create(objects.serviceAccounts, name, { metadata: { name: 'default' } });
    }
    if (objects.configMaps.find(name, 'kube-root-ca.crt') === undefined) {
      writes.create(objects.configMaps, name, {
        metadata: { name: 'kube-root-ca.crt' },
        data: { 'ca.crt': options.ca },
      });
    }
    return;
  }
  const contents = allCollections(objects).filter(({ resource }) => resource.isNamespaced);
  let left = 0;
  for (const collection of contents) left += emptied(collection, name, options.now);
  if (left > 0 || (namespace.metadata.finalizers ?? []).length > 0) return;
  objects.namespaces.remove(namespace);
}

/** @returns how many objects still wait for something */
function emptied(collection: AnyCollection, namespace: string, now: Date): number {
  for (const { metadata } of collection.list(namespace)) {
    if (metadata.deletionTimestamp === undefined) deleteObject(collection, namespace, metadata.name, {}, now);
  }
  return collection.list(namespace).length;
}
