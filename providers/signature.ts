import { createHmac, createSecretKey, hash, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';

const shortestSecret = 16;

/** @throws RangeError without a secret, or with one that anybody knows */
export function requireSecrets(secrets: readonly { readonly length: number }[]): void {
  if (secrets.length > 0 && secrets.every(({ length }) => length >= shortestSecret)) return;
  throw new RangeError(
    `A webhook secret of at least ${shortestSecret} characters is needed: without one anybody could start runs`,
  );
}

/** Compares in constant time, whatever the lengths. */
export function isSameText(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

/** What signs with a secret, made once: of bare bytes, Node makes it again for each signature, at twice the cost. */
export function signingKey(secret: string | Uint8Array): KeyObject {
  return createSecretKey(typeof secret === 'string' ? Buffer.from(secret) : secret);
}

/**
 * Compares every signature with every key's, in constant time.
 * @param parts what was signed, one after the other
 * @param signatures HMAC-SHA256, as they were sent; one of another length is none
 */
export function isSigned(parts: readonly string[], signatures: readonly Buffer[], keys: readonly KeyObject[]): boolean {
  const all = keys.flatMap((key) => {
    const hmac = createHmac('sha256', key);
    for (const part of parts) hmac.update(part);
    const wanted = hmac.digest();
    return signatures.map((given) => given.length === wanted.length && timingSafeEqual(given, wanted));
  });
  return all.includes(true);
}

/** @param signature `sha256=` and 64 lower-case hexadecimal digits: HMAC-SHA256 of the raw body */
export function isSignedBody(rawBody: string, signature: string, keys: readonly KeyObject[]): boolean {
  const [, digits] = /^sha256=([0-9a-f]{64})$/.exec(signature) ?? [];
  return digits !== undefined && isSigned([rawBody], [Buffer.from(digits, 'hex')], keys);
}

/** A webhook secret that nobody knows yet. */
export function newSecret(): string {
  return randomBytes(32).toString('hex');
}

/** Tells whether secrets are still the same ones, and so little about them that nobody can try out guesses with it. */
export function nameOfSecrets(secrets: readonly (string | undefined)[]): string {
  return digest(`secrets ${secrets.join(' ')}`)
    .toString('hex')
    .slice(0, 6);
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
