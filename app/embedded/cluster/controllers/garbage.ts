import { deleteObject, dropFinalizer } from '../api/deletion.ts';
import { type KubeObject, namespaceOf } from '../objects/meta.ts';
import { apiVersionOf } from '../objects/resource.ts';
import { type AnyCollection, allCollections, type Objects } from '../store/objects.ts';

/** Deletes what has lost its last owner, and works off the finalizers of foreground deletion and of letting go. */
export class GarbageCollector {
  readonly #collections: readonly AnyCollection[];
  readonly #now: () => Date;

  constructor(objects: Objects, now: () => Date) {
    this.#collections = allCollections(objects).filter(({ resource }) => resource.kind !== 'Event');
    this.#now = now;
  }

  /** An owner is gone: its dependents go, unless another owner of theirs is there. */
  ownerGone(owner: KubeObject): void {
    for (const { collection, object } of this.#dependentsOf(owner.metadata.uid)) {
      const others = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
      const isOwned = others.some((reference) => this.#exists(reference, namespaceOf(object)));
      if (isOwned) {
        collection.replace({ ...object, metadata: { ...object.metadata, ownerReferences: others } });
      } else if (object.metadata.deletionTimestamp === undefined) {
        deleteObject(collection, namespaceOf(object), object.metadata.name, {}, this.#now());
      }
    }
  }

  /** An owner waits to go. */
  ownerGoing(collection: AnyCollection, owner: KubeObject): void {
    const { finalizers = [], deletionTimestamp, uid } = owner.metadata;
    if (deletionTimestamp === undefined) return;
    if (finalizers.includes('orphan')) {
      for (const { collection: own, object } of this.#dependentsOf(uid)) {
        const ownerReferences = (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
        own.replace({ ...object, metadata: { ...object.metadata, ownerReferences } });
      }
      dropFinalizer(collection, owner, 'orphan');
    } else if (finalizers.includes('foregroundDeletion')) {
      for (const { collection: own, object } of this.#dependentsOf(uid)) {
        if (object.metadata.deletionTimestamp !== undefined) continue;
        deleteObject(own, namespaceOf(object), object.metadata.name, { propagationPolicy: 'Foreground' }, this.#now());
      }
      if (this.#dependentsOf(uid).length === 0) {
        const present = collection.find(namespaceOf(owner), owner.metadata.name);
        if (present !== undefined) dropFinalizer(collection, present, 'foregroundDeletion');
      }
    }
  }

  /** Objects that already lack all their owners: what a killed process left. */
  sweep(): void {
    for (const collection of this.#collections) {
      for (const object of collection.list()) {
        const owners = object.metadata.ownerReferences ?? [];
        if (owners.length === 0 || owners.some((owner) => this.#exists(owner, namespaceOf(object)))) continue;
        if (object.metadata.deletionTimestamp === undefined) {
          deleteObject(collection, namespaceOf(object), object.metadata.name, {}, this.#now());
        }
      }
    }
  }

  #dependentsOf(uid: string): { readonly collection: AnyCollection; readonly object: KubeObject }[] {
    return this.#collections.flatMap((collection) =>
      collection
        .list()
        .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
        .map((object) => ({ collection, object })),
    );
  }

  #exists(owner: { apiVersion: string; kind: string; name: string; uid: string }, namespace: string): boolean {
    const collection = this.#collections.find(
      ({ resource }) => resource.kind === owner.kind && apiVersionOf(resource) === owner.apiVersion,
    );
    // A kind that is not kept here cannot be judged: its dependents stay.
    if (collection === undefined) return true;
    const found = collection.find(collection.resource.isNamespaced ? namespace : '', owner.name);
    return found?.metadata.uid === owner.uid;
  }
}
