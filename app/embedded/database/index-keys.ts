import type { Document } from 'mongodb';
import { encodeValue, inverted } from './key-encoding.ts';

/** An index as it was asked for. */
export interface IndexDefinition {
  readonly name: string;
  readonly fields: readonly { readonly path: string; readonly direction: 1 | -1 }[];
  readonly isUnique: boolean;
  readonly isSparse: boolean;
}

/** What a document has at a dotted path: the values that an index holds for it. */
function valuesAt(
  document: unknown,
  path: string,
): { readonly values: readonly unknown[]; readonly isMissing: boolean; readonly isArray: boolean } {
  const dot = path.indexOf('.');
  const head = dot < 0 ? path : path.slice(0, dot);
  const rest = dot < 0 ? undefined : path.slice(dot + 1);
  if (Array.isArray(document)) {
    const index = /^\d+$/.test(head) ? document[Number(head)] : undefined;
    const inner =
      index === undefined ? document.map((element) => valuesAt(element, path)) : [valuesAt({ [head]: index }, path)];
    const values = inner.flatMap((it) => (it.isMissing ? [] : it.values));
    return { values: values.length === 0 ? [undefined] : values, isMissing: values.length === 0, isArray: true };
  }
  if (!isPlain(document) || !Object.hasOwn(document, head))
    return { values: [undefined], isMissing: true, isArray: false };
  const value: unknown = document[head];
  if (rest !== undefined) return valuesAt(value, rest);
  if (!Array.isArray(value)) return { values: [value], isMissing: false, isArray: false };
  return { values: value.length === 0 ? [undefined] : value, isMissing: false, isArray: true };
}

function isPlain(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !(value instanceof Date);
}

/** The keys under which an index holds a document: none for a sparse index whose fields are all missing. */
export function indexKeys(
  document: Document,
  index: IndexDefinition,
): { readonly keys: readonly Buffer[]; readonly isMultikey: boolean } {
  const fields = index.fields.map(({ path, direction }) => ({ ...valuesAt(document, path), direction }));
  if (index.isSparse && fields.every(({ isMissing }) => isMissing)) return { keys: [], isMultikey: false };
  const single = fields.every(({ values }) => values.length === 1);
  if (single) {
    const parts = fields.map(({ values, direction }) => keyOf(values[0], direction));
    return {
      keys: [parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts)],
      isMultikey: fields.some(({ isArray }) => isArray),
    };
  }
  let keys: Buffer[] = [Buffer.alloc(0)];
  for (const { values, direction } of fields) {
    const encoded = values.map((value) => keyOf(value, direction));
    keys = keys.flatMap((key) => encoded.map((value) => Buffer.concat([key, value])));
  }
  const distinct = new Map(keys.map((key) => [key.toString('latin1'), key]));
  return { keys: [...distinct.values()], isMultikey: fields.some(({ isArray }) => isArray) };
}

function keyOf(value: unknown, direction: 1 | -1): Buffer {
  const encoded = encodeValue(value);
  return direction === 1 ? encoded : inverted(encoded);
}

/** A document's place in a sort order; an array sorts by its least element, or its greatest when descending. */
export function sortKey(document: Document, sort: readonly (readonly [string, 1 | -1])[]): Buffer {
  return Buffer.concat(
    sort.map(([path, direction]) => {
      const encoded = valuesAt(document, path).values.map(encodeValue).sort(Buffer.compare);
      const value = (direction === 1 ? encoded[0] : encoded.at(-1)) ?? encodeValue(undefined);
      return direction === 1 ? value : inverted(value);
    }),
  );
}
