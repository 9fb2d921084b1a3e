import { Binary, BSON, Decimal128, type Document, Double, Int32, Long, ObjectId } from 'mongodb';

/**
 * Values as bytes whose order is MongoDB's order: first by type, then by value. Index keys are made of these, so a range
 * of values is a range of bytes.
 */
export function encodeValue(value: unknown): Buffer {
  if (value === undefined || value === null) return Buffer.of(bracket.null);
  if (typeof value === 'string') return tagged(bracket.string, escaped(Buffer.from(value, 'utf8')));
  if (typeof value === 'boolean') return Buffer.of(bracket.boolean, value ? 1 : 0);
  if (value instanceof Date) return tagged(bracket.date, sortableInteger(BigInt(value.getTime())));
  if (value instanceof ObjectId) return tagged(bracket.objectId, Buffer.from(value.id));
  const number = numberOf(value);
  if (number !== undefined) return tagged(bracket.number, number);
  if (value instanceof Binary || value instanceof Uint8Array) {
    const bytes = value instanceof Binary ? value.value() : value;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return tagged(bracket.binary, Buffer.concat([length, escaped(Buffer.from(bytes))]));
  }
  if (Array.isArray(value)) return tagged(bracket.array, escaped(Buffer.from(BSON.serialize({ value }))));
  if (value instanceof RegExp) return tagged(bracket.regex, escaped(Buffer.from(value.source)));
  return tagged(bracket.object, escaped(Buffer.from(BSON.serialize(value as Document))));
}

/** MongoDB's order of types. */
const bracket = {
  null: 0x10,
  number: 0x20,
  string: 0x30,
  object: 0x40,
  array: 0x50,
  binary: 0x60,
  objectId: 0x70,
  boolean: 0x80,
  date: 0x90,
  regex: 0xa0,
} as const;

/** The bytes below and above all values of the same type as the encoded one: a range never crosses types. */
export function bracketOf(encoded: Buffer): { readonly from: Buffer; readonly to: Buffer } {
  const type = encoded[0] ?? bracket.null;
  return { from: Buffer.of(type), to: Buffer.of(type + 1) };
}

/** For descending index fields: the opposite order. */
export function inverted(encoded: Buffer): Buffer {
  return Buffer.from(encoded.map((byte) => 0xff - byte));
}

/** The smallest key above all keys that begin with the prefix. */
export function afterPrefix(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, Buffer.of(0xff, 0xff, 0xff, 0xff)]);
}

function tagged(type: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type), bytes]);
}

/** Ends with 00 01; a zero byte inside becomes 00 ff, so that a shorter text sorts before a longer one. */
function escaped(bytes: Buffer): Buffer {
  if (!bytes.includes(0)) return Buffer.concat([bytes, terminator]);
  const parts: number[] = [];
  for (const byte of bytes) {
    parts.push(byte);
    if (byte === 0) parts.push(0xff);
  }
  return Buffer.concat([Buffer.from(parts), terminator]);
}

const terminator = Buffer.of(0, 1);
const residueMiddle = 0x8000;

/** A double in sortable form, then what a 64-bit integer has beyond it. */
function numberOf(value: unknown): Buffer | undefined {
  const exact = value instanceof Long ? value.toBigInt() : typeof value === 'bigint' ? value : undefined;
  const double =
    exact !== undefined
      ? Number(exact)
      : typeof value === 'number'
        ? value
        : value instanceof Int32 || value instanceof Double
          ? value.valueOf()
          : value instanceof Decimal128
            ? Number(value.toString())
            : undefined;
  if (double === undefined) return undefined;
  const bytes = Buffer.alloc(10);
  bytes.writeDoubleBE(double === 0 ? 0 : double);
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0;
  for (let index = 0; index < 8; index += 1) {
    const byte = bytes[index] ?? 0;
    bytes[index] = isNegative ? 0xff - byte : index === 0 ? byte | 0x80 : byte;
  }
  const residue = exact === undefined || !Number.isFinite(double) ? 0 : Number(exact - BigInt(double));
  bytes.writeUInt16BE(residueMiddle + residue, 8);
  return bytes;
}

function sortableInteger(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  bytes[0] = (bytes[0] ?? 0) ^ 0x80;
  return bytes;
}
