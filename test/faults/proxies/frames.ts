import type { Socket } from 'node:net';
import { BSON } from 'mongodb';

const headerBytes = 16;
const opMessage = 2013;
const checksumFlag = 1;

/** One message of MongoDB's wire protocol, as it came. */
export interface Frame {
  readonly bytes: Buffer;
  readonly id: number;
  readonly answerTo: number;
}

/** The messages of a connection, whole, in order. */
export async function* framesOf(socket: Socket): AsyncGenerator<Frame, void> {
  let rest = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    while (rest.length >= headerBytes && rest.length >= rest.readInt32LE(0)) {
      const bytes = rest.subarray(0, rest.readInt32LE(0));
      rest = rest.subarray(bytes.length);
      yield { bytes, id: bytes.readInt32LE(4), answerTo: bytes.readInt32LE(8) };
    }
  }
}

/** The documents that a message inserts, and where; undefined for any other message. */
export function insertOf({
  bytes,
}: Frame): { readonly collection: string; readonly documents: readonly BSON.Document[] } | undefined {
  if (bytes.readInt32LE(12) !== opMessage) return undefined;
  const end = bytes.length - ((bytes.readUInt32LE(headerBytes) & checksumFlag) === 0 ? 0 : 4);
  let collection: unknown;
  const documents: BSON.Document[] = [];
  for (let at = headerBytes + 4; at < end; ) {
    const isSequence = bytes.readUInt8(at) === 1;
    at += 1;
    const size = bytes.readInt32LE(at);
    if (!isSequence) {
      const body = BSON.deserialize(bytes.subarray(at, at + size));
      collection = body['insert'];
      if (collection === undefined) return undefined;
      if (Array.isArray(body['documents'])) documents.push(...body['documents']);
    } else {
      let document = bytes.indexOf(0, at + 4) + 1;
      while (document < at + size) {
        const length = bytes.readInt32LE(document);
        documents.push(BSON.deserialize(bytes.subarray(document, document + length)));
        document += length;
      }
    }
    at += size;
  }
  return typeof collection === 'string' ? { collection, documents } : undefined;
}
