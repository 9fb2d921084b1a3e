import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../objects/selectors.ts';
import { badRequest } from './status-error.ts';

type Json = Record<string, unknown>;

/** Lists that are merged by a key of their items; all other lists of objects are replaced whole. */
const mergeKeys: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  imagePullSecrets: 'name',
  secrets: 'name',
  hostAliases: 'ip',
  ownerReferences: 'uid',
  conditions: 'type',
  topologySpreadConstraints: 'topologyKey',
};
/** Lists of plain values that are merged as sets. */
const sets: ReadonlySet<string> = new Set(['finalizers']);

/** The key that tells a list's items apart, or undefined for a list that is one value. */
export function mergeKeyOf(field: string, kind: string): string | undefined {
  if (field === 'ports') return kind === 'Service' ? 'port' : kind.startsWith('Endpoint') ? undefined : 'containerPort';
  return Object.hasOwn(mergeKeys, field) ? mergeKeys[field] : undefined;
}

/**
 * Kubernetes' own merge: objects by key, lists of containers, variables, ports and the like by the key of their items,
 * with `$patch: delete|replace|merge`, `$setElementOrder/x`, `$deleteFromPrimitiveList/x` and `$retainKeys`.
 * @throws StatusError 400
 */
export function strategicMerge(target: Json, patch: Json, kind: string): Json {
  const directive = patch['$patch'];
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw badRequest(`unknown $patch: ${String(directive)}`);
  const merged = new Map(Object.entries(target));
  const retained = patch['$retainKeys'];
  if (Array.isArray(retained)) {
    for (const key of [...merged.keys()]) if (!retained.includes(key)) merged.delete(key);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const field = key.slice(key.indexOf('/') + 1);
      const list = merged.get(field);
      if (Array.isArray(list) && Array.isArray(value))
        merged.set(
          field,
          list.filter((item) => !value.includes(item)),
        );
    }
    if (key.startsWith('$')) continue;
    if (value === null) merged.delete(key);
    else merged.set(key, mergeValue(key, merged.get(key), value, patch[`$setElementOrder/${key}`], kind));
  }
  return Object.fromEntries(merged);
}

function mergeValue(field: string, target: unknown, value: unknown, order: unknown, kind: string): unknown {
  if (isRecord(value)) return strategicMerge(isRecord(target) ? target : {}, value, kind);
  if (!Array.isArray(value)) return value;
  const old: unknown[] = Array.isArray(target) ? target : [];
  if (sets.has(field)) return [...new Set([...old, ...value])];
  const key = mergeKeyOf(field, kind);
  return key === undefined ? value : mergeList(old, value, key, order, kind);
}

function mergeList(
  old: readonly unknown[],
  patches: readonly unknown[],
  key: string,
  order: unknown,
  kind: string,
): unknown[] {
  const isReplaced = patches.some((item) => isRecord(item) && item['$patch'] === 'replace');
  let items = isReplaced ? [] : [...old];
  for (const patch of patches) {
    if (!isRecord(patch)) throw badRequest('a list of objects is merged with objects only');
    if (patch['$patch'] === 'replace') continue;
    if (patch[key] === undefined)
      throw badRequest(`map: ${JSON.stringify(patch)} does not contain declared merge key: ${key}`);
    const index = items.findIndex((item) => isRecord(item) && isDeepStrictEqual(item[key], patch[key]));
    const present = items[index];
    if (patch['$patch'] === 'delete') items = items.filter((_item, at) => at !== index);
    else if (isRecord(present)) items[index] = strategicMerge(present, patch, kind);
    else items.push(withoutDirectives(patch));
  }
  return Array.isArray(order) ? ordered(items, order, key) : items;
}

/** Items in the order the client has them; others stay behind those. */
function ordered(items: readonly unknown[], order: readonly unknown[], key: string): unknown[] {
  const rank = (item: unknown): number => {
    const at = order.findIndex(
      (wanted) => isRecord(wanted) && isRecord(item) && isDeepStrictEqual(wanted[key], item[key]),
    );
    return at < 0 ? order.length : at;
  };
  return items.toSorted((a, b) => rank(a) - rank(b));
}

function withoutDirectives(value: Json): Json {
  const kept = Object.entries(value).filter(([key, item]) => !key.startsWith('$') && item !== null);
  return Object.fromEntries(
    kept.map(([key, item]) => [
      key,
      isRecord(item)
        ? withoutDirectives(item)
        : Array.isArray(item)
          ? item.map((each: unknown) => (isRecord(each) ? withoutDirectives(each) : each))
          : item,
    ]),
  );
}
