import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const shortestSecret = 16;

/** @throws RangeError without a secret, or with one that anybody knows */
export function requireSecrets(secrets: readonly string[]): void {
  if (secrets.length > 0 && secrets.every(({ length }) => length >= shortestSecret)) return;
  throw new RangeError(
    `A webhook secret of at least ${shortestSecret} characters is needed: without one anybody could start runs`,
  );
}

/** Compares in constant time, whatever the lengths. */
export function isSameText(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

/** @param signature `sha256=` and 64 lower-case hexadecimal digits: HMAC-SHA256 of the raw body */
export function isSignedBody(rawBody: string, signature: string, secrets: readonly string[]): boolean {
  if (!/^sha256=[0-9a-f]{64}$/.test(signature)) return false;
  const all = secrets.map((secret) =>
    isSameText(signature, `sha256=${createHmac('sha256', secret).update(rawBody).digest('hex')}`),
  );
  return all.includes(true);
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
  return createHash('sha256').update(text).digest();
}
