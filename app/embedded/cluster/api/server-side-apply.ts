import { isDeepStrictEqual } from 'node:util';
import { type KubeObject, type ManagedFields, timestamp } from '../objects/meta.ts';
import { isRecord } from '../objects/selectors.ts';
import { badRequest, type ResourceName, StatusError } from './status-error.ts';
import { mergeKeyOf } from './strategic-merge.ts';

type Json = Record<string, unknown>;
type Managed = (typeof ManagedFields)['_output'];

/**
 * Server-side apply: the applied object's fields are set, and fields that this manager applied before and left out now
 * go. Conflicts are told between appliers only: writes by other means claim no field (real Kubernetes records those too).
 * @throws StatusError 400; 409 where another applier has another value for a field, unless `force`
 */
export function serverSideApply(
  live: KubeObject | undefined,
  applied: Json,
  options: {
    readonly manager: string;
    readonly conflicts: 'fail' | 'force';
    readonly resource: ResourceName;
    readonly now: Date;
  },
): Json {
  const { manager, resource } = options;
  if (manager === '')
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  const wanted = withoutIdentity(applied);
  const fields = fieldsOf(wanted, resource.kind);
  const entries = live?.metadata.managedFields ?? [];
  const own = entries.find((entry) => isApplier(entry, manager));
  const others = entries.filter((entry) => entry.operation === 'Apply' && entry !== own);
  const base: unknown = live ?? {};
  if (options.conflicts === 'fail') assertNoConflict(base, wanted, fields, others, resource);
  const pruned = own?.fieldsV1 === undefined ? base : prune(base, own.fieldsV1, fields, others, resource.kind, '');
  const merged = merge(pruned, wanted, resource.kind, '');
  if (!isRecord(merged)) throw badRequest('an applied object must be an object');
  const entry = {
    manager,
    operation: 'Apply',
    apiVersion: applied['apiVersion'],
    time: timestamp(options.now),
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
  };
  const isSame = own !== undefined && isDeepStrictEqual(own.fieldsV1, fields);
  const metadata = isRecord(merged['metadata']) ? merged['metadata'] : {};
  return {
    ...merged,
    metadata: { ...metadata, managedFields: [...entries.filter((each) => each !== own), isSame ? own : entry] },
  };
}

function isApplier(entry: Managed, manager: string): boolean {
  return entry.operation === 'Apply' && entry.manager === manager;
}

function withoutIdentity(applied: Json): Json {
  const metadata = isRecord(applied['metadata']) ? applied['metadata'] : {};
  if (metadata['managedFields'] !== undefined) throw badRequest('metadata.managedFields must be nil');
  const {
    name: _name,
    namespace: _namespace,
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _at,
    ...rest
  } = metadata;
  const { apiVersion: _apiVersion, kind: _kind, status: _status, ...body } = applied;
  return { ...body, metadata: rest };
}

/** The fields of an object in the notation of `fieldsV1`. */
function fieldsOf(value: Json, kind: string): Json {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [`f:${key}`, fieldsOfValue(key, item, kind)]));
}

function fieldsOfValue(field: string, value: unknown, kind: string): Json {
  if (isRecord(value)) return fieldsOf(value, kind);
  const key = Array.isArray(value) ? mergeKeyOf(field, kind) : undefined;
  if (key === undefined || !Array.isArray(value)) return {};
  return Object.fromEntries(
    value
      .filter(isRecord)
      .map((item) => [`k:${JSON.stringify({ [key]: item[key] })}`, { '.': {}, ...fieldsOf(item, kind) }]),
  );
}

/** Takes away what was applied before and is not applied now, unless another applier has it too. */
function prune(
  value: unknown,
  before: Json,
  now: Json,
  others: readonly Managed[],
  kind: string,
  field: string,
): unknown {
  const rivals = others.map((entry) => entry.fieldsV1 ?? {});
  return pruneAt(value, before, now, rivals, kind, field);
}

function pruneAt(
  value: unknown,
  before: Json,
  now: Json,
  rivals: readonly Json[],
  kind: string,
  field: string,
): unknown {
  const step = (key: string, item: unknown, name: string): { keep: boolean; item: unknown } => {
    const had = before[key];
    if (!isRecord(had)) return { keep: true, item };
    const has = now[key];
    const theirs = rivals.map((rival) => rival[key]).filter(isRecord);
    if (!isRecord(has) && theirs.length === 0) return { keep: false, item };
    return { keep: true, item: pruneAt(item, had, isRecord(has) ? has : {}, theirs, kind, name) };
  };
  if (isRecord(value)) {
    const kept = Object.entries(value).map(([key, item]) => ({ key, ...step(`f:${key}`, item, key) }));
    return Object.fromEntries(kept.filter(({ keep }) => keep).map(({ key, item }) => [key, item]));
  }
  const mergeKey = Array.isArray(value) ? mergeKeyOf(field, kind) : undefined;
  if (!Array.isArray(value) || mergeKey === undefined) return value;
  return value
    .map((item: unknown) =>
      step(`k:${JSON.stringify({ [mergeKey]: isRecord(item) ? item[mergeKey] : null })}`, item, ''),
    )
    .filter(({ keep }) => keep)
    .map(({ item }) => item);
}

function merge(target: unknown, value: unknown, kind: string, field: string): unknown {
  if (isRecord(value)) {
    const merged = new Map(Object.entries(isRecord(target) ? target : {}));
    for (const [key, item] of Object.entries(value)) merged.set(key, merge(merged.get(key), item, kind, key));
    return Object.fromEntries(merged);
  }
  const key = Array.isArray(value) ? mergeKeyOf(field, kind) : undefined;
  if (key === undefined || !Array.isArray(value)) return value;
  const items: unknown[] = Array.isArray(target) ? [...target] : [];
  for (const item of value) {
    const index = items.findIndex((old) => isRecord(old) && isRecord(item) && isDeepStrictEqual(old[key], item[key]));
    if (index < 0) items.push(item);
    else items[index] = merge(items[index], item, kind, '');
  }
  return items;
}

function assertNoConflict(
  live: unknown,
  wanted: Json,
  fields: Json,
  others: readonly Managed[],
  resource: ResourceName,
): void {
  for (const other of others) {
    const path = conflictAt(live, wanted, fields, other.fieldsV1 ?? {}, resource.kind, '', '');
    if (path === undefined) continue;
    throw new StatusError(
      409,
      'Conflict',
      `Apply failed with 1 conflict: conflict with ${JSON.stringify(other.manager ?? '')}: ${path}`,
      { causes: [{ reason: 'FieldManagerConflict', field: path, message: `conflict with "${other.manager ?? ''}"` }] },
    );
  }
}

/** The first field that another applier has too and for which the live value differs from the wanted one. */
function conflictAt(
  live: unknown,
  wanted: unknown,
  fields: Json,
  theirs: Json,
  kind: string,
  field: string,
  path: string,
): string | undefined {
  if (isRecord(wanted)) {
    for (const [key, item] of Object.entries(wanted)) {
      const [mine, other] = [fields[`f:${key}`], theirs[`f:${key}`]];
      if (!isRecord(mine) || !isRecord(other)) continue;
      const found = conflictAt(isRecord(live) ? live[key] : undefined, item, mine, other, kind, key, `${path}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const mergeKey = Array.isArray(wanted) ? mergeKeyOf(field, kind) : undefined;
  if (mergeKey === undefined || !Array.isArray(wanted)) return isDeepStrictEqual(live, wanted) ? undefined : path;
  for (const item of wanted.filter(isRecord)) {
    const id = `k:${JSON.stringify({ [mergeKey]: item[mergeKey] })}`;
    const [mine, other] = [fields[id], theirs[id]];
    if (!isRecord(mine) || !isRecord(other)) continue;
    const present = (Array.isArray(live) ? live : []).find(
      (each: unknown) => isRecord(each) && isDeepStrictEqual(each[mergeKey], item[mergeKey]),
    );
    const found = conflictAt(present, item, mine, other, kind, '', `${path}[${JSON.stringify(item[mergeKey])}]`);
    if (found !== undefined) return found;
  }
  return undefined;
}
