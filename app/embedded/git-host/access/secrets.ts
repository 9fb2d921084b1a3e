import { createHash, randomBytes } from 'node:crypto';
import type { AccessToken } from '../entities.ts';
import { type Host, timestamp } from '../host.ts';

/** A new credential; only its hash is kept. @param prefix says what it is, as GitHub's do: `ghp_`, `ghs_` */
export function issueToken(
  host: Host,
  prefix: string,
  owner: AccessToken['for'],
  lifetimeMs: number | null,
): { readonly secret: string; readonly expiresAt: string | null } {
  const secret = `${prefix}${randomBytes(30).toString('base64url')}`;
  const expiresAt = lifetimeMs === null ? null : timestamp(new Date(host.now().getTime() + lifetimeMs));
  host.store.tokens.insert({ hash: hashOf(secret), for: owner, expiresAt });
  return { secret, expiresAt };
}

/** The live token that this secret is, looked up by its hash so that no comparison's time tells anything. */
export function findToken(host: Host, secret: string): AccessToken | undefined {
  const token = host.store.tokens.findByKey(hashOf(secret));
  if (token === undefined) return undefined;
  if (token.expiresAt !== null && new Date(token.expiresAt) <= host.now()) {
    host.store.tokens.delete(token.id);
    return undefined;
  }
  return token;
}

export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
