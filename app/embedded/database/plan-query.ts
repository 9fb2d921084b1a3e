import { Binary, type Document, Long, ObjectId } from 'mongodb';
import type { IndexDefinition } from './index-keys.ts';
import { afterPrefix, bracketOf, encodeValue, inverted } from './key-encoding.ts';
import type { SortFields } from './sort-fields.ts';

/** What a filter says of one field, as far as an index can use it. Always weaker than the filter itself. */
interface Constraint {
  anyOf?: readonly unknown[];
  above?: { readonly value: unknown; readonly isInclusive: boolean };
  below?: { readonly value: unknown; readonly isInclusive: boolean };
}

export interface PlannedIndex extends IndexDefinition {
  readonly table: string;
  readonly isMultikey: boolean;
}

/** A part of an index: keys from `from` (inclusive) to `to` (exclusive). */
export interface KeyRange {
  readonly from: Buffer;
  readonly to: Buffer;
}

export type QueryPlan =
  /** Documents by their encoded `_id`. */
  | { readonly type: 'ids'; readonly ids: readonly Buffer[] }
  /** `index` undefined: the `_id` index. */
  | {
      readonly type: 'ranges';
      readonly index: PlannedIndex | undefined;
      readonly ranges: readonly KeyRange[];
      readonly isSorted: boolean;
      readonly isReversed: boolean;
    };

const idIndex: IndexDefinition = {
  name: '_id_',
  fields: [{ path: '_id', direction: 1 }],
  isUnique: true,
  isSparse: false,
};
const maxRanges = 500;
const everything: KeyRange = { from: Buffer.alloc(0), to: Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff) };

/** Picks how to read the documents that may match: every match is among them. */
export function planQuery(filter: Document, sort: SortFields, indexes: readonly PlannedIndex[]): QueryPlan {
  const constraints = constraintsOf(filter);
  const ids = constraints.get('_id')?.anyOf;
  if (ids !== undefined) return { type: 'ids', ids: ids.map(encodeValue) };

  let best: { readonly score: number; readonly plan: QueryPlan } = {
    score: 0,
    plan: { type: 'ranges', index: undefined, ranges: [everything], isSorted: sort.length === 0, isReversed: false },
  };
  for (const index of [undefined, ...indexes]) {
    const candidate = planWith(index, constraints, sort);
    if (candidate !== undefined && candidate.score > best.score) best = candidate;
  }
  return best.plan;
}

function planWith(
  index: PlannedIndex | undefined,
  constraints: ReadonlyMap<string, Constraint>,
  sort: SortFields,
): { readonly score: number; readonly plan: QueryPlan } | undefined {
  const { fields } = index ?? idIndex;
  const isMultikey = index?.isMultikey ?? false;
  let prefixes: Buffer[] = [Buffer.alloc(0)];
  let used = 0;
  for (const { path, direction } of fields) {
    const values = constraints.get(path)?.anyOf;
    if (values === undefined || prefixes.length * values.length > maxRanges) break;
    const encoded = distinctKeys(values.map(encodeValue)).map((value) => (direction === 1 ? value : inverted(value)));
    prefixes = prefixes.flatMap((prefix) => encoded.map((value) => Buffer.concat([prefix, value])));
    used += 1;
  }
  const next = fields[used];
  const constraint = next === undefined ? undefined : constraints.get(next.path);
  const isRange = constraint !== undefined && (constraint.above !== undefined || constraint.below !== undefined);
  // A sparse index lacks documents without its fields, so the filter must ask for a value of the first one.
  const first = constraints.get(fields[0]?.path ?? '');
  const asksForValue =
    first !== undefined && (first.anyOf === undefined || !first.anyOf.some((value) => value === null));
  if (index?.isSparse === true && !((used > 0 || isRange) && asksForValue)) return undefined;

  const order = isMultikey || prefixes.length > 1 ? undefined : orderOf(fields.slice(used), sort);
  const score = used * 100 + (isRange ? 30 : 0) + (order === undefined || sort.length === 0 ? 0 : 20);
  const ranges =
    isRange && next !== undefined && constraint !== undefined
      ? prefixes.map((prefix) => rangeAfter(prefix, constraint, next.direction, isMultikey))
      : prefixes.map((prefix) => ({ from: prefix, to: prefix.length === 0 ? everything.to : afterPrefix(prefix) }));
  return {
    score,
    plan: {
      type: 'ranges',
      index,
      ranges,
      isSorted: sort.length === 0 || order !== undefined,
      isReversed: order === 'reversed',
    },
  };
}

function rangeAfter(prefix: Buffer, { above, below }: Constraint, direction: 1 | -1, isMultikey: boolean): KeyRange {
  // Different elements of an array may satisfy the two bounds, so only one of them narrows a multikey index.
  const upper = isMultikey && above !== undefined ? undefined : below;
  const some = encodeValue((above ?? upper)?.value);
  const { from: typeFrom, to: typeTo } = bracketOf(some);
  const at = (bytes: Buffer) => Buffer.concat([prefix, bytes]);
  if (direction === 1) {
    return {
      from:
        above === undefined ? at(typeFrom) : edge(at(encodeValue(above.value)), above.isInclusive ? 'before' : 'after'),
      to: upper === undefined ? at(typeTo) : edge(at(encodeValue(upper.value)), upper.isInclusive ? 'after' : 'before'),
    };
  }
  return {
    from:
      upper === undefined
        ? at(inverted(typeFrom))
        : edge(at(inverted(encodeValue(upper.value))), upper.isInclusive ? 'before' : 'after'),
    to:
      above === undefined
        ? afterPrefix(at(inverted(typeFrom)))
        : edge(at(inverted(encodeValue(above.value))), above.isInclusive ? 'after' : 'before'),
  };
}

function edge(key: Buffer, side: 'before' | 'after'): Buffer {
  return side === 'before' ? key : afterPrefix(key);
}

/** Whether the rest of an index stands in the order asked for, forwards or backwards. */
function orderOf(fields: IndexDefinition['fields'], sort: SortFields): 'same' | 'reversed' | undefined {
  if (sort.length > fields.length) return undefined;
  const matches = sort.map(([path, direction], index) => {
    const field = fields[index];
    return field?.path === path ? field.direction === direction : undefined;
  });
  if (matches.every((match) => match === true)) return 'same';
  return matches.every((match) => match === false) ? 'reversed' : undefined;
}

function constraintsOf(filter: Document): Map<string, Constraint> {
  const constraints = new Map<string, Constraint>();
  const add = (path: string, more: Constraint) => constraints.set(path, { ...more, ...constraints.get(path) });
  for (const [path, condition] of Object.entries(filter)) {
    if (path === '$and' && Array.isArray(condition)) {
      for (const part of condition) for (const [inner, constraint] of constraintsOf(part)) add(inner, constraint);
    }
    if (path.startsWith('$')) continue;
    if (isScalar(condition)) add(path, { anyOf: [condition] });
    else if (isOperators(condition)) add(path, operatorConstraint(condition));
  }
  return constraints;
}

function operatorConstraint(condition: Document): Constraint {
  const constraint: Constraint = {};
  if (isScalar(condition['$eq'])) constraint.anyOf = [condition['$eq']];
  const list: unknown = condition['$in'];
  if (Array.isArray(list) && list.every(isScalar)) constraint.anyOf = list;
  for (const [operator, isInclusive] of [
    ['$gt', false],
    ['$gte', true],
  ] as const) {
    if (isRangeValue(condition[operator])) constraint.above = { value: condition[operator], isInclusive };
  }
  for (const [operator, isInclusive] of [
    ['$lt', false],
    ['$lte', true],
  ] as const) {
    if (isRangeValue(condition[operator])) constraint.below = { value: condition[operator], isInclusive };
  }
  return constraint;
}

export function isOperators(condition: unknown): condition is Document {
  return (
    typeof condition === 'object' && condition !== null && Object.keys(condition).some((key) => key.startsWith('$'))
  );
}

function isScalar(value: unknown): boolean {
  return value === null || isRangeValue(value);
}

function isRangeValue(value: unknown): boolean {
  return (
    ['string', 'number', 'boolean', 'bigint'].includes(typeof value) ||
    value instanceof Date ||
    value instanceof ObjectId ||
    value instanceof Long ||
    value instanceof Binary
  );
}

function distinctKeys(keys: readonly Buffer[]): Buffer[] {
  return [...new Map(keys.map((key) => [key.toString('latin1'), key])).values()].sort(Buffer.compare);
}
