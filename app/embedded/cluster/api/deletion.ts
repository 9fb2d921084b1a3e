import { z } from 'zod';
import { type KubeObject, namespaceOf, timestamp } from '../objects/meta.ts';
import { isFinished, Pod } from '../objects/pod.ts';
import type { Collection } from '../store/collection.ts';
import { badRequest, conflict } from './status-error.ts';

const DeleteOptions = z.looseObject({
  gracePeriodSeconds: z.number().int().min(0).optional(),
  propagationPolicy: z.enum(['Orphan', 'Background', 'Foreground']).optional(),
  orphanDependents: z.boolean().optional(),
  preconditions: z.looseObject({ uid: z.string().optional(), resourceVersion: z.string().optional() }).optional(),
});
type DeleteOptions = z.infer<typeof DeleteOptions>;

/** From the body, or from the query as kubectl's older habits have it. @throws StatusError 400 */
export function parseDeleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const grace = query.get('gracePeriodSeconds');
  const propagation = query.get('propagationPolicy');
  const parsed = DeleteOptions.safeParse({
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(propagation === null ? {} : { propagationPolicy: propagation }),
    ...(typeof body === 'object' ? body : {}),
  });
  if (!parsed.success) throw badRequest(`DeleteOptions: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/**
 * Deletes an object, or marks it where something must happen first: a pod's processes end, finalizers are worked off,
 * dependents go before (foreground) or are let go (orphan), a namespace's content goes. Deleting again is harmless.
 * @throws StatusError 404; 409 where a precondition does not hold
 */
export function deleteObject<T extends KubeObject>(
  collection: Collection<T>,
  namespace: string,
  name: string,
  options: DeleteOptions,
  now: Date,
): { readonly object: T; readonly isGone: boolean } {
  const object = collection.get(namespace, name);
  assertPreconditions(collection, object, options);
  const grace = gracePeriodOf(object, options);
  const finalizers = finalizersFor(object, options);
  const isKept = finalizers.length > 0 || grace > 0 || object.kind === 'Namespace';
  if (!isKept) return { object: collection.remove(object), isGone: true };
  const earlier = object.metadata.deletionGracePeriodSeconds;
  if (object.metadata.deletionTimestamp !== undefined && earlier !== undefined && earlier <= grace) {
    return { object: withFinalizers(collection, object, finalizers), isGone: false };
  }
  const marked: T = {
    ...object,
    metadata: {
      ...object.metadata,
      deletionTimestamp: timestamp(new Date(now.getTime() + grace * 1000)),
      deletionGracePeriodSeconds: grace,
      ...(object.metadata.generation === undefined ? {} : { generation: object.metadata.generation + 1 }),
      ...(finalizers.length === 0 ? {} : { finalizers }),
    },
    ...(object.kind === 'Namespace' ? { status: { phase: 'Terminating' } } : {}),
  };
  return { object: collection.replace(marked), isGone: false };
}

function withFinalizers<T extends KubeObject>(collection: Collection<T>, object: T, finalizers: string[]): T {
  if (finalizers.length === (object.metadata.finalizers ?? []).length) return object;
  return collection.replace({ ...object, metadata: { ...object.metadata, finalizers } });
}

function assertPreconditions<T extends KubeObject>(
  collection: Collection<T>,
  object: T,
  { preconditions: wanted = {} }: DeleteOptions,
): void {
  const { uid, resourceVersion, name } = object.metadata;
  if (wanted.uid !== undefined && wanted.uid !== uid) {
    throw conflict(
      collection.resource,
      name,
      `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`,
    );
  }
  if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== resourceVersion) {
    throw conflict(
      collection.resource,
      name,
      `Precondition failed: ResourceVersion in precondition: ${wanted.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
    );
  }
}

/** Only pods end gracefully, and only those that may still run. */
function gracePeriodOf(object: KubeObject, options: DeleteOptions): number {
  if (object.kind !== 'Pod') return 0;
  const pod = Pod.parse(object);
  if (isFinished(pod) || pod.spec.nodeName === undefined) return 0;
  return options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds;
}

function finalizersFor(object: KubeObject, options: DeleteOptions): string[] {
  const own = object.metadata.finalizers ?? [];
  const policy = options.propagationPolicy ?? (options.orphanDependents === true ? 'Orphan' : 'Background');
  const others = own.filter((finalizer) => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion');
  if (policy === 'Orphan') return [...others, 'orphan'];
  return policy === 'Foreground' ? [...others, 'foregroundDeletion'] : own;
}

/** Takes a finalizer off; the object goes with its last one. */
export function dropFinalizer<T extends KubeObject>(collection: Collection<T>, object: T, finalizer: string): void {
  const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  const { finalizers: _all, ...rest } = object.metadata;
  const metadata = finalizers.length === 0 ? rest : { ...rest, finalizers };
  const isDone = finalizers.length === 0 && (object.metadata.deletionGracePeriodSeconds ?? 0) === 0;
  if (isDone && object.metadata.deletionTimestamp !== undefined && object.kind !== 'Namespace') {
    if (collection.find(namespaceOf(object), object.metadata.name) !== undefined) collection.remove(object);
    return;
  }
  collection.replace({ ...object, metadata });
}
