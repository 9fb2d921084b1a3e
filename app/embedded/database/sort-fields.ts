import type { Sort } from 'mongodb';
import { refused } from './supported-operators.ts';

/** Paths with their direction, the first counting most. */
export type SortFields = readonly (readonly [path: string, direction: 1 | -1])[];

/** The driver's many ways to write a sort, as pairs. */
export function sortFields(sort: Sort | undefined): SortFields {
  if (sort === undefined) return [];
  if (typeof sort === 'string') return [[sort, 1]];
  const pairs: [string, unknown][] = Array.isArray(sort)
    ? sort.map((part): [string, unknown] => (Array.isArray(part) ? [String(part[0]), part[1]] : [String(part), 1]))
    : sort instanceof Map
      ? [...sort]
      : Object.entries(sort);
  return pairs.map(([path, direction]): [string, 1 | -1] => {
    if (direction === 1 || direction === 'asc' || direction === 'ascending') return [path, 1];
    if (direction === -1 || direction === 'desc' || direction === 'descending') return [path, -1];
    throw refused(`the sort or index direction ${JSON.stringify(direction)}`);
  });
}
