import { createHash, randomUUID, type webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWK, SignJWT } from 'jose';
import { z } from 'zod';
import { readIfPresent, writePrivate } from './private-file.ts';

/** Who issues tokens: the name that most real clusters use. */
export const issuer = 'https://kubernetes.default.svc.cluster.local';

const algorithm = 'ES256';
const Kept = z.object({ privateKey: z.string(), publicKey: z.looseObject({ kty: z.string() }) });

/** For whom a service account's token is. */
export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
}

/** Signs service-account tokens with the cluster's own key, which outlives restarts. */
export class TokenSigner {
  readonly #key: webcrypto.CryptoKey;
  readonly #keyId: string;
  readonly jwks: { readonly keys: readonly JWK[] };

  private constructor(key: webcrypto.CryptoKey, publicKey: JWK) {
    this.#key = key;
    this.#keyId = createHash('sha256').update(JSON.stringify(publicKey)).digest('base64url');
    this.jwks = { keys: [{ ...publicKey, kid: this.#keyId, alg: algorithm, use: 'sig' }] };
  }

  static async open(folder: string): Promise<TokenSigner> {
    const file = join(folder, 'token-key.json');
    const text = readIfPresent(file);
    if (text !== undefined) {
      const kept = Kept.parse(JSON.parse(text));
      return new TokenSigner(await importPKCS8(kept.privateKey, algorithm), kept.publicKey);
    }
    const pair = await generateKeyPair(algorithm, { extractable: true });
    const publicKey = await exportJWK(pair.publicKey);
    writePrivate(file, JSON.stringify({ privateKey: await exportPKCS8(pair.privateKey), publicKey }));
    return new TokenSigner(pair.privateKey, publicKey);
  }

  /** @param audiences whom it may be shown to; without any it is for the API server itself */
  sign(
    subject: TokenSubject,
    options: { readonly audiences: readonly string[]; readonly expirationSeconds: number; readonly now: Date },
  ): Promise<string> {
    const { namespace, serviceAccount, pod } = subject;
    const nowSeconds = Math.floor(options.now.getTime() / 1000);
    return new SignJWT({
      'kubernetes.io': {
        namespace,
        ...(pod === undefined ? {} : { node: { name: 'local' }, pod }),
        serviceaccount: serviceAccount,
      },
    })
      .setProtectedHeader({ alg: algorithm, kid: this.#keyId })
      .setIssuer(issuer)
      .setSubject(`system:serviceaccount:${namespace}:${serviceAccount.name}`)
      .setAudience(options.audiences.length === 0 ? [issuer] : [...options.audiences])
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(nowSeconds + options.expirationSeconds)
      .setJti(randomUUID())
      .sign(this.#key);
  }
}
