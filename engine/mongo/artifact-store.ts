import { createHash, randomUUID } from 'node:crypto';
import { Binary } from 'mongodb';
import type { ArtifactStore } from '../ports/artifact-store.ts';
import type { Clock } from '../ports/clock.ts';
import { type Database, isDuplicateKey } from '../ports/database.ts';
import { EngineError } from '../ports/errors.ts';

/** A piece of an upload. Its `_id`, `<upload>:<index>:<hash>`, says what is in it, so two writers never disagree. */
interface StoredChunk {
  readonly _id: string;
  readonly data: Binary;
}

/** Something is, or was, on its way here; the sweep goes by it. */
interface StoredUpload {
  readonly _id: string;
  readonly touchedAt: Date;
  readonly isSwept?: true;
}

/** Written last: an artifact is there once this is. */
interface StoredArtifact {
  readonly _id: string;
  readonly upload: string;
  readonly bytes: number;
  /** Hashes of its chunks, in order. */
  readonly chunks: readonly string[];
  readonly expiresAt: Date;
}

/** Far below what a document may hold, and all of an artifact that is ever in memory. */
const chunkBytes = 2 ** 20;
const indexDigits = 6;
const touchEveryMs = 5 * 60_000;
const idsAtOnce = 16;
const expireAtMost = 5_000;
const durable = { writeConcern: { w: 'majority', journal: true } } as const;

/**
 * Artifacts in the database that all replicas share: whoever takes a run over has them.
 * @param keptMs how long one is kept that nobody wants any more
 */
export function mongoArtifactStore(database: Database, clock: Clock, keptMs: number): ArtifactStore {
  const chunks = database.collection<StoredChunk>('artifact-chunks');
  const uploads = database.collection<StoredUpload>('artifact-uploads');
  const artifacts = database.collection<StoredArtifact>('artifacts');

  /** @returns the upload's id: another one where the sweep has just taken the wanted one */
  async function begin(upload: string): Promise<string> {
    try {
      await uploads.updateOne({ _id: upload }, { $set: { touchedAt: clock.now() } }, { upsert: true });
    } catch (error) {
      // Another put of the same upload made it at this moment.
      if (!isDuplicateKey(error)) throw error;
    }
    return (await uploads.findOne({ _id: upload }))?.isSwept === true ? begin(randomUUID()) : upload;
  }

  async function touch(upload: string): Promise<void> {
    const { matchedCount } = await uploads.updateOne(
      { _id: upload, isSwept: { $ne: true } },
      { $set: { touchedAt: clock.now() } },
    );
    if (matchedCount === 0) throw putError('unavailable', 'It took so long that its beginning was removed', again);
  }

  const inTime = () => new Date(clock.now().getTime() + keptMs);

  async function enter(artifact: StoredArtifact): Promise<void> {
    for (;;) {
      try {
        await artifacts.insertOne(artifact, durable);
        return;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        // The same content is there already; what this put brought is swept, unless it is the very same upload.
        const { _id, expiresAt } = artifact;
        const { matchedCount } = await artifacts.updateOne({ _id }, { $set: { expiresAt } }, durable);
        if (matchedCount > 0) return;
      }
    }
  }

  /** Leaves an upload's chunks to the sweep. */
  async function release(upload: string): Promise<void> {
    await uploads.updateOne({ _id: upload }, { $set: { touchedAt: new Date(0) } }, { upsert: true });
  }

  async function keep(upload: string, index: number, chunk: Buffer): Promise<string> {
    const hash = createHash('sha256').update(chunk).digest('base64url');
    try {
      await chunks.insertOne({ _id: chunkId(upload, index, hash), data: new Binary(chunk) }, durable);
    } catch (error) {
      // Kept by a put that broke off.
      if (!isDuplicateKey(error)) throw error;
    }
    return hash;
  }

  return {
    async put(tenant, content, { maxBytes, expectedDigest, upload: name }) {
      const upload = await begin(name === undefined ? randomUUID() : uploadId(tenant, name));
      const hash = createHash('sha256');
      const kept: string[] = [];
      let bytes = 0;
      let touchedAt = clock.now().getTime();
      for await (const chunk of inChunks(content)) {
        bytes += chunk.length;
        if (bytes > maxBytes)
          throw putError(
            'too-large',
            `It is larger than ${Math.round(maxBytes / 2 ** 20)} MiB`,
            'Keep less in it, or raise the limit',
          );
        hash.update(chunk);
        kept.push(await keep(upload, kept.length, chunk));
        const now = clock.now().getTime();
        if (now - touchedAt < touchEveryMs) continue;
        touchedAt = now;
        await touch(upload);
      }
      const digest = `sha256:${hash.digest('hex')}`;
      if (expectedDigest !== undefined && digest !== expectedDigest)
        throw putError('invalid', `Its digest is ${digest}, not ${expectedDigest}`, again);
      await touch(upload);
      await enter({ _id: artifactId(tenant, digest), upload, bytes, chunks: kept, expiresAt: inTime() });
      return { digest, bytes };
    },

    async *get(tenant, digest) {
      const artifact = await artifacts.findOne({ _id: artifactId(tenant, digest) });
      if (artifact === null) throw notKept(digest, 'It is not kept');
      for (const [index, hash] of artifact.chunks.entries()) {
        const chunk = await chunks.findOne({ _id: chunkId(artifact.upload, index, hash) });
        if (chunk === null) throw notKept(digest, `Part ${index + 1} of ${artifact.chunks.length} is missing`);
        yield chunk.data.value();
      }
    },

    async has(tenant, digest) {
      return (await artifacts.findOne({ _id: artifactId(tenant, digest) })) !== null;
    },

    async sweep(untouchedSince) {
      await uploads.createIndex({ touchedAt: 1 });
      await artifacts.createIndex({ upload: 1 });
      let swept = 0;
      for (;;) {
        const [oldest] = await uploads
          .find({ touchedAt: { $lt: untouchedSince } })
          .sort({ touchedAt: 1 })
          .limit(1)
          .toArray();
        if (oldest === undefined) return swept;
        const { _id, touchedAt } = oldest;
        // Marked before anything is looked at: a put that still goes on finds the mark at its end, and is sent again.
        const marked = await uploads.updateOne({ _id, touchedAt }, { $set: { isSwept: true } });
        if (marked.matchedCount === 0) continue;
        const wanted = new Set<string>();
        for (const artifact of await artifacts.find({ upload: _id }).toArray())
          for (const [index, hash] of artifact.chunks.entries()) wanted.add(chunkId(_id, index, hash));
        for await (const id of chunkIds(_id)) if (!wanted.has(id)) await chunks.deleteOne({ _id: id });
        await uploads.deleteOne({ _id });
        swept += 1;
      }
    },

    async expire(wanted) {
      await artifacts.createIndex({ expiresAt: 1 });
      // Those of a version that knew no end begin to age now.
      await artifacts.updateMany({ expiresAt: { $exists: false } }, { $set: { expiresAt: inTime() } });
      let gone = 0;
      for (let looked = 0; looked < expireAtMost; looked += 1) {
        const [oldest] = await artifacts
          .find({ expiresAt: { $lt: clock.now() } })
          .sort({ expiresAt: 1 })
          .limit(1)
          .toArray();
        if (oldest === undefined) break;
        const { _id, expiresAt, upload } = oldest;
        const [tenant = '', digest = ''] = _id.split('/');
        if (await wanted(decodeURIComponent(tenant), digest)) {
          await artifacts.updateOne({ _id, expiresAt }, { $set: { expiresAt: inTime() } });
          continue;
        }
        // Before, in case this process ends in between; after, in case the sweep came in between and found it whole.
        await release(upload);
        // One that was stored again at this moment has another time, and stays.
        gone += (await artifacts.deleteOne({ _id, expiresAt })).deletedCount;
        await release(upload);
      }
      return gone;
    },
  };

  /** A few at a time: a cursor over all of them could hold all of their content. */
  async function* chunkIds(upload: string): AsyncGenerator<string, void> {
    for (let after = `${upload}:`; ; ) {
      const found = await chunks
        .find({ _id: { $gt: after, $lt: `${upload};` } })
        .sort({ _id: 1 })
        .limit(idsAtOnce)
        .project<{ _id: string }>({ _id: 1 })
        .toArray();
      const last = found.at(-1);
      if (last === undefined) return;
      for (const { _id } of found) yield _id;
      after = last._id;
    }
  }
}

const again = 'It is sent again';

async function* inChunks(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of content) {
    for (let from = 0; from < part.length; ) {
      const piece = part.subarray(from, from + chunkBytes - size);
      parts.push(piece);
      size += piece.length;
      from += piece.length;
      if (size < chunkBytes) continue;
      yield Buffer.concat(parts);
      parts = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(parts);
}

function uploadId(tenant: string, name: string): string {
  return createHash('sha256').update(`${tenant}\0${name}`).digest('base64url');
}

/** `;`, which ends the range of an upload's chunks, is the character after `:`. */
function chunkId(upload: string, index: number, hash: string): string {
  return `${upload}:${String(index).padStart(indexDigits, '0')}:${hash}`;
}

function artifactId(tenant: string, digest: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    throw new EngineError({
      code: 'invalid',
      what: 'Naming an artifact',
      why: `"${digest.slice(0, 80)}" is no digest`,
      fix: 'Digests are sha256: and 64 hexadecimal digits',
    });
  }
  return `${encodeURIComponent(tenant)}/${digest}`;
}

function putError(code: 'too-large' | 'invalid' | 'unavailable', why: string, fix: string): EngineError {
  return new EngineError({ code, what: 'Storing an artifact', why, fix });
}

function notKept(digest: string, why: string): EngineError {
  return new EngineError({
    code: 'not-found',
    what: `Reading artifact ${digest}`,
    why,
    fix: 'Run the stage that makes it once more',
  });
}
