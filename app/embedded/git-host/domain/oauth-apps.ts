import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { findToken, hashOf, issueToken } from '../access/secrets.ts';
import type { Account, OAuthApp } from '../entities.ts';
import type { Host } from '../host.ts';

const codeLifetimeMs = 10 * 60 * 1000;
const tokenLifetimeMs = 2 * 60 * 60 * 1000;

/** What other sites sign people in by. Registered again it gets another secret. */
export function registerOAuthApp(
  host: Host,
  facts: { readonly clientId?: string; readonly name: string; readonly redirectUrls: readonly string[] },
): { readonly clientId: string; readonly clientSecret: string } {
  const { name, clientId = randomBytes(16).toString('hex') } = facts;
  const clientSecret = randomBytes(20).toString('hex');
  const settings = { clientId, name, redirectUrls: [...facts.redirectUrls], secretHash: hashOf(clientSecret) };
  const known = host.store.oauthApps.findByKey(clientId);
  if (known === undefined) host.store.oauthApps.insert(settings);
  else host.store.oauthApps.save({ ...known, ...settings });
  return { clientId, clientSecret };
}

/** A code for what a person agreed to. @param challenge of PKCE; absent where none was sent, or the host passes over it */
export function issueCode(
  host: Host,
  app: OAuthApp,
  account: Account,
  facts: { readonly redirectUrl: string; readonly scopes: readonly string[]; readonly challenge?: string },
): string {
  const { redirectUrl, scopes, challenge = null } = facts;
  const owner = {
    type: 'oauth-code',
    accountId: account.id,
    clientId: app.clientId,
    redirectUrl,
    scopes,
    challenge,
  } as const;
  return issueToken(host, '', owner, codeLifetimeMs).secret;
}

/** Trades a code, once, for a token. @returns the error's name in the standard's words where it is none */
export function redeemCode(
  host: Host,
  asked: {
    readonly clientId: string;
    readonly clientSecret: string;
    readonly code: string;
    readonly redirectUrl: string;
    readonly verifier: string;
  },
): { readonly token: string; readonly scopes: readonly string[] } | { readonly error: string } {
  const app = host.store.oauthApps.findByKey(asked.clientId);
  if (app === undefined || !isSame(hashOf(asked.clientSecret), app.secretHash)) return { error: 'invalid_client' };
  const code = findToken(host, asked.code);
  if (code?.for.type !== 'oauth-code') return { error: 'invalid_grant' };
  // Whoever tries it spends it.
  host.store.tokens.delete(code.id);
  const { accountId, clientId, redirectUrl, scopes, challenge } = code.for;
  const isOurs = clientId === app.clientId && redirectUrl === asked.redirectUrl;
  if (!isOurs || (challenge !== null && !isSame(challengeOf(asked.verifier), challenge)))
    return { error: 'invalid_grant' };
  const { secret } = issueToken(host, '', { type: 'user', accountId, scopes: [...scopes] }, tokenLifetimeMs);
  return { token: secret, scopes };
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
