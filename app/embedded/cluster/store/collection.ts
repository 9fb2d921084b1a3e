import { alreadyExists, conflict, notFound, staleObject } from '../api/status-error.ts';
import { type KubeObject, keyOf, keyOfObject } from '../objects/meta.ts';
import type { Resource } from '../objects/resource.ts';
import type { ObjectDatabase } from './database.ts';

/** One write, as watchers see it. `previous` lets a watch with a selector see what entered or left its view. */
export interface Change<T extends KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
  readonly previous: T | undefined;
  readonly version: number;
}

export interface Listener<T extends KubeObject> {
  changed(change: Change<T>): void;
}

const historyLength = 4096;

/** All objects of one kind: in memory to read, on disk before a write returns. Objects are never changed in place. */
export class Collection<out T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly #database: ObjectDatabase;
  readonly #id: string;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<Listener<T>>();
  #history: Change<T>[] = [];
  /** Changes up to this version are forgotten. */
  #forgotten: number;

  constructor(resource: Resource<T>, database: ObjectDatabase) {
    this.resource = resource;
    this.#database = database;
    this.#id = `${resource.group}/${resource.plural}`;
    for (const body of database.bodies(this.#id)) {
      const object = resource.parse(JSON.parse(body));
      this.#objects.set(keyOfObject(object), object);
    }
    this.#forgotten = database.version;
  }

  get version(): number {
    return this.#database.version;
  }

  find(namespace: string, name: string): T | undefined {
    return this.#objects.get(keyOf(namespace, name));
  }

  /** @throws StatusError 404 */
  get(namespace: string, name: string): T {
    const object = this.find(namespace, name);
    if (object === undefined) throw notFound(this.resource, name);
    return object;
  }

  /** All of a namespace, or of all namespaces, in no order. */
  list(namespace?: string): T[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  /** @throws StatusError 409 when the name is taken */
  insert(object: T): T {
    if (this.#objects.has(keyOfObject(object))) throw alreadyExists(this.resource, object.metadata.name);
    return this.#write('ADDED', object, undefined);
  }

  /**
   * Stores a changed object. One that names a resourceVersion must name the present one. A change that changes nothing
   * gets no new version and nobody hears of it.
   * @throws StatusError 404; 409 when it was changed meanwhile
   */
  replace(object: T): T {
    const previous = this.get(object.metadata.namespace ?? '', object.metadata.name);
    const { resourceVersion } = object.metadata;
    if (resourceVersion !== '' && resourceVersion !== previous.metadata.resourceVersion) {
      throw conflict(this.resource, object.metadata.name, staleObject);
    }
    const same = { ...object, metadata: { ...object.metadata, resourceVersion: previous.metadata.resourceVersion } };
    if (JSON.stringify(same) === JSON.stringify(previous)) return previous;
    return this.#write('MODIFIED', object, previous);
  }

  remove(object: T): T {
    const previous = this.get(object.metadata.namespace ?? '', object.metadata.name);
    return this.#write('DELETED', previous, previous);
  }

  /** Hears each change from now on, before the write returns. @returns the way to stop hearing */
  subscribe(listener: Listener<T>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Changes after a version, or undefined where they are forgotten. */
  since(version: number): readonly Change<T>[] | undefined {
    if (version < this.#forgotten || version > this.version) return undefined;
    return this.#history.filter((change) => change.version > version);
  }

  #write(type: Change<T>['type'], object: T, previous: T | undefined): T {
    const version = this.#database.nextVersion();
    const stored: T = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const key = keyOfObject(stored);
    if (type === 'DELETED') {
      this.#database.drop(this.#id, key);
      this.#objects.delete(key);
    } else {
      this.#database.put(this.#id, key, JSON.stringify(stored));
      this.#objects.set(key, stored);
    }
    const change: Change<T> = { type, object: stored, previous, version };
    this.#history.push(change);
    if (this.#history.length > historyLength * 2) {
      this.#forgotten = this.#history[historyLength - 1]?.version ?? version;
      this.#history = this.#history.slice(historyLength);
    }
    for (const listener of this.#listeners) listener.changed(change);
    return stored;
  }
}
