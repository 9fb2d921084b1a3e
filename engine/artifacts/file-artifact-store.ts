import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArtifactStore } from '../ports/artifact-store.ts';
import { EngineError } from '../ports/errors.ts';

/** Artifacts as files of a folder that all replicas share, named by tenant and digest. */
export function fileArtifactStore(folder: string): ArtifactStore {
  function pathOf(tenant: string, digest: string): string {
    const hash = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
    if (hash === undefined) {
      throw new EngineError({
        code: 'invalid',
        what: 'Naming an artifact',
        why: `"${digest.slice(0, 80)}" is no digest`,
        fix: 'Digests are sha256: and 64 hexadecimal digits',
      });
    }
    return join(folder, encodeURIComponent(tenant), hash.slice(0, 2), hash);
  }

  return {
    async put(tenant, content, { maxBytes, expectedDigest }) {
      const incoming = join(folder, 'incoming');
      await mkdir(incoming, { recursive: true, mode: 0o700 });
      const temporary = join(incoming, randomUUID());
      const hash = createHash('sha256');
      let bytes = 0;
      const file = await open(temporary, 'wx', 0o600);
      try {
        for await (const chunk of content) {
          bytes += chunk.length;
          if (bytes > maxBytes) {
            throw new EngineError({
              code: 'too-large',
              what: 'Storing an artifact',
              why: `It is larger than ${Math.round(maxBytes / 2 ** 20)} MiB`,
              fix: 'Keep less in it, or raise the limit',
            });
          }
          hash.update(chunk);
          await file.writeFile(chunk);
        }
        await file.sync();
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      } finally {
        await file.close();
      }
      const digest = `sha256:${hash.digest('hex')}`;
      if (expectedDigest !== undefined && digest !== expectedDigest) {
        await rm(temporary, { force: true });
        throw new EngineError({
          code: 'invalid',
          what: 'Storing an artifact',
          why: `Its digest is ${digest}, not ${expectedDigest}`,
          fix: 'Send it again',
        });
      }
      const path = pathOf(tenant, digest);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      // Renaming over an equal file is harmless: the name says what is in it.
      await rename(temporary, path);
      await syncFolder(dirname(path));
      return { digest, bytes };
    },

    async *get(tenant, digest) {
      const path = pathOf(tenant, digest);
      await access(path).catch(() => {
        throw new EngineError({
          code: 'not-found',
          what: `Reading artifact ${digest}`,
          why: 'It is not kept',
          fix: 'Run the stage that makes it once more',
        });
      });
      yield* createReadStream(path);
    },

    async has(tenant, digest) {
      return access(pathOf(tenant, digest)).then(
        () => true,
        () => false,
      );
    },
  };
}

/** A new name is durable once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}
