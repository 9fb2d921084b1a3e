import { CompactEncrypt, calculateJwkThumbprint, compactDecrypt, decodeProtectedHeader, type JWK } from 'jose';
import { EngineError } from '../../engine/ports/errors.ts';

/** Makes text unreadable at rest: whoever holds the database alone holds nothing. */
export interface Sealer {
  /** @param record what the text belongs to: sealed for one record, it opens as no other */
  seal(record: string, text: string): Promise<string>;
  /** @throws EngineError `invalid` when it was changed, belongs to another record, or its key is gone */
  open(record: string, sealed: string): Promise<string>;
  /** Sealed by another key than the one in use: seal it again. */
  isStale(sealed: string): boolean;
}

const keyBytes = 32;
const maxSealedBytes = 64 * 1024;

/**
 * AES-256-GCM as JWE, so that the format, the nonces and the key's name are a standard's.
 * @param keys 32 bytes each in base64url: the first seals, all open, so that one can be rotated
 * @throws EngineError `invalid` without a key, or with one of another length; never naming it
 */
export async function sealerOf(keys: readonly string[]): Promise<Sealer> {
  const known = new Map<string, Uint8Array>();
  for (const [index, key] of keys.entries()) {
    const bytes = Buffer.from(key, 'base64url');
    if (bytes.length !== keyBytes) throw badKey(index);
    const jwk: JWK = { kty: 'oct', k: bytes.toString('base64url') };
    known.set(await calculateJwkThumbprint(jwk), bytes);
  }
  const [current] = known;
  if (current === undefined) throw badKey(0);
  const [kid, key] = current;

  return {
    seal: (record, text) =>
      new CompactEncrypt(Buffer.from(text))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid, sub: record })
        .encrypt(key),
    async open(record, sealed) {
      const named = sealed.length > maxSealedBytes ? undefined : headerOf(sealed)?.kid;
      const opener = named === undefined ? undefined : known.get(named);
      if (named !== undefined && opener === undefined) {
        throw new EngineError({
          code: 'invalid',
          what: `Reading the stored secrets of ${record}`,
          why: 'They were encrypted with a key that is not given any more',
          fix: 'Add the old key to SLIPWAY_ENCRYPTION_KEY after the new one, or set the Git host up again',
        });
      }
      try {
        if (opener === undefined) throw new TypeError('no JWE');
        const { plaintext, protectedHeader } = await compactDecrypt(sealed, opener, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        if (protectedHeader['sub'] !== record) throw new TypeError('sealed for another record');
        return new TextDecoder().decode(plaintext);
      } catch {
        // The cause is dropped: what could not be decrypted has nothing to tell, and stands in no log.
        throw new EngineError({
          code: 'invalid',
          what: `Reading the stored secrets of ${record}`,
          why: 'They were changed since they were written, or belong to another record',
          fix: 'Set the Git host up again',
        });
      }
    },
    isStale: (sealed) => headerOf(sealed)?.kid !== kid,
  };
}

function headerOf(sealed: string): { readonly kid?: string } | undefined {
  try {
    return decodeProtectedHeader(sealed);
  } catch {
    return undefined; // no JWE at all: whoever opens it hears so
  }
}

function badKey(index: number): EngineError {
  return new EngineError({
    code: 'invalid',
    what: 'Reading SLIPWAY_ENCRYPTION_KEY',
    why: `Key ${index + 1} is not ${keyBytes} bytes in base64url`,
    fix: 'Make one with `openssl rand -base64 32`; several stand apart by spaces, the newest first',
  });
}
