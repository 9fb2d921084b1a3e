import { randomInt, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type KubeObject, namespaceOf, timestamp } from '../objects/meta.ts';
import { metadataMistakes } from '../objects/names.ts';
import { apiVersionOf, type Resource } from '../objects/resource.ts';
import { isRecord } from '../objects/selectors.ts';
import type { Collection } from '../store/collection.ts';
import { badRequest, causesOf, conflict, invalid, methodNotAllowed, StatusError } from './status-error.ts';

/** Rules that look at other objects: namespaces, quotas, ports. Run before an object is stored. */
export interface Admission {
  /** @throws StatusError 403, 404 @returns the object with what the cluster adds to it */
  admit<T extends KubeObject>(resource: Resource<T>, object: T, previous: T | undefined): T;
}

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Letters and digits as generated names end with. */
export function nameSuffix(length = 5): string {
  return Array.from({ length }, () => suffixAlphabet[randomInt(suffixAlphabet.length)] ?? 'b').join('');
}

/** Writes of objects as clients and controllers make them: completed, checked, admitted, stored. */
export class Writes {
  readonly #admission: Admission;
  readonly #now: () => Date;

  constructor(admission: Admission, now: () => Date) {
    this.#admission = admission;
    this.#now = now;
  }

  /** @throws StatusError 400, 403, 404, 409, 422 */
  create<T extends KubeObject>(
    collection: Collection<T>,
    namespace: string,
    input: unknown,
    options: { readonly dryRun?: true } = {},
  ): T {
    const { resource } = collection;
    const parsed = this.#parse(resource, namespace, input);
    const { generateName } = parsed.metadata;
    const name = parsed.metadata.name || (generateName ? `${generateName.slice(0, 58)}${nameSuffix()}` : '');
    const isCounted = 'spec' in parsed && parsed.spec !== undefined;
    const fresh: T = {
      ...parsed,
      metadata: {
        ...withoutServerFields(parsed.metadata),
        name,
        ...(resource.isNamespaced ? { namespace } : {}),
        uid: randomUUID(),
        creationTimestamp: timestamp(this.#now()),
        ...(isCounted && resource.subresources.includes('status') ? { generation: 1 } : {}),
      },
    };
    const blank = resource.subresources.includes('status') ? this.#withStatusOf(resource, fresh, undefined) : fresh;
    const object = this.#checked(resource, blank, undefined);
    if (options.dryRun) return object;
    return collection.insert(object);
  }

  /** Replaces everything but the status (where the kind has one of its own). @throws StatusError 404, 409, 422 */
  update<T extends KubeObject>(
    collection: Collection<T>,
    namespace: string,
    name: string,
    input: unknown,
    options: { readonly dryRun?: true } = {},
  ): T {
    const { resource } = collection;
    const previous = collection.get(namespace, name);
    const parsed = this.#parse(resource, namespace, input);
    this.#assertSame(resource, parsed, previous, name);
    const base = resource.subresources.includes('status') ? this.#withStatusOf(resource, parsed, previous) : parsed;
    const isSpecChanged = JSON.stringify(resource.complete(base).spec) !== JSON.stringify(previous.spec);
    const { generation } = previous.metadata;
    const next: T = {
      ...base,
      metadata: {
        ...base.metadata,
        ...(base.metadata.managedFields === undefined && previous.metadata.managedFields !== undefined
          ? { managedFields: previous.metadata.managedFields }
          : {}),
        ...keptMeta(previous),
        ...(generation === undefined ? {} : { generation: generation + (isSpecChanged ? 1 : 0) }),
      },
    };
    const object = this.#checked(resource, next, previous);
    if (options.dryRun) return object;
    const stored = collection.replace(object);
    return this.#finishDeletion(collection, stored);
  }

  /** Replaces the status alone. @throws StatusError 404, 405, 409, 422 */
  updateStatus<T extends KubeObject>(collection: Collection<T>, namespace: string, name: string, input: unknown): T {
    const { resource } = collection;
    if (!resource.subresources.includes('status')) throw methodNotAllowed();
    const previous = collection.get(namespace, name);
    const parsed = this.#parse(resource, namespace, input);
    this.#assertSame(resource, parsed, previous, name);
    const status = 'status' in parsed ? { status: parsed.status } : {};
    return collection.replace({
      ...previous,
      ...status,
      metadata: { ...previous.metadata, resourceVersion: parsed.metadata.resourceVersion },
    });
  }

  #parse<T extends KubeObject>(resource: Resource<T>, namespace: string, input: unknown): T {
    if (!isRecord(input)) throw badRequest('The body must be one object');
    const apiVersion = apiVersionOf(resource);
    if ((input['kind'] ?? resource.kind) !== resource.kind || (input['apiVersion'] ?? apiVersion) !== apiVersion) {
      throw badRequest(
        `the object provided is ${String(input['apiVersion'])} ${String(input['kind'])}, expected ${apiVersion} ${resource.kind}`,
      );
    }
    let parsed: T;
    try {
      parsed = resource.parse({ ...input, apiVersion, kind: resource.kind });
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      throw invalid(resource, nameIn(input), causesOf(error));
    }
    const given = parsed.metadata.namespace;
    if (resource.isNamespaced && given !== undefined && given !== '' && given !== namespace) {
      throw badRequest(
        `the namespace of the provided object does not match the namespace sent on the request: ${given}, ${namespace}`,
      );
    }
    return resource.isNamespaced ? { ...parsed, metadata: { ...parsed.metadata, namespace } } : parsed;
  }

  #checked<T extends KubeObject>(resource: Resource<T>, object: T, previous: T | undefined): T {
    const complete = resource.complete(object);
    const rule = resource.kind === 'Namespace' || resource.kind === 'Service' ? 'label' : nameRule(resource);
    const causes = [...metadataMistakes(complete, rule), ...resource.mistakes(complete, previous)];
    if (causes.length > 0) throw invalid(resource, complete.metadata.name, causes);
    return this.#admission.admit(resource, complete, previous);
  }

  #withStatusOf<T extends KubeObject>(resource: Resource<T>, object: T, previous: T | undefined): T {
    const { status: _status, ...rest } = object;
    return resource.parse(previous?.status === undefined ? rest : { ...rest, status: previous.status });
  }

  #assertSame<T extends KubeObject>(resource: Resource<T>, object: T, previous: T, name: string): void {
    if (object.metadata.name !== '' && object.metadata.name !== name) {
      throw badRequest(`the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`);
    }
    if (object.metadata.uid !== '' && object.metadata.uid !== previous.metadata.uid) {
      throw conflict(
        resource,
        name,
        `Precondition failed: UID in precondition: ${object.metadata.uid}, UID in object meta: ${previous.metadata.uid}`,
      );
    }
  }

  /** An object that was only kept by its finalizers goes when the last of them does. */
  #finishDeletion<T extends KubeObject>(collection: Collection<T>, object: T): T {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
    if (deletionTimestamp === undefined || finalizers.length > 0 || deletionGracePeriodSeconds > 0) return object;
    if (collection.resource.kind === 'Namespace') return object;
    return collection.remove(object);
  }
}

function nameRule(resource: { readonly group: string }): 'subdomain' | 'any' {
  return resource.group === 'rbac.authorization.k8s.io' ? 'any' : 'subdomain';
}

/** What a client may not change. */
function keptMeta(previous: KubeObject): object {
  const { name, uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generateName } =
    previous.metadata;
  return {
    name,
    uid,
    creationTimestamp,
    ...(namespaceOf(previous) === '' ? {} : { namespace: namespaceOf(previous) }),
    ...(generateName === undefined ? {} : { generateName }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  };
}

function withoutServerFields(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  const { deletionTimestamp: _at, deletionGracePeriodSeconds: _grace, generation: _generation, ...rest } = metadata;
  if (rest.resourceVersion !== '') {
    throw new StatusError(400, 'BadRequest', 'resourceVersion should not be set on objects to be created');
  }
  return rest;
}

function nameIn(input: Record<string, unknown>): string {
  const metadata = input['metadata'];
  return isRecord(metadata) ? String(metadata['name'] ?? '') : '';
}
