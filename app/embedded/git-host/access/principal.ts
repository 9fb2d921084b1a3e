import { createPublicKey } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import type { AccessToken, Account, App, Installation, Permissions } from '../entities.ts';
import type { Actor, Host } from '../host.ts';
import { Refusal } from '../refusal.ts';
import { findToken } from './secrets.ts';

/** Who sends a request. */
export type Principal =
  | { readonly type: 'anonymous' }
  | {
      readonly type: 'user';
      readonly account: Account /** Absent on pages, which know a session. */;
      readonly token?: AccessToken;
    }
  | { readonly type: 'app'; readonly app: App }
  | {
      readonly type: 'installation';
      readonly app: App;
      readonly installation: Installation;
      readonly bot: Account;
      /** null: all of the installation's account. */
      readonly repositoryIds: readonly number[] | null;
      readonly permissions: Permissions;
    };

/** Reads `Authorization: Bearer|token <secret>` or Basic with the secret as password. @throws Refusal 401 */
export async function principalOf(host: Host, authorization: string | undefined): Promise<Principal> {
  if (authorization === undefined || authorization === '') return { type: 'anonymous' };
  const secret = secretIn(authorization);
  if (secret === undefined || secret.length > 4096) throw new Refusal(401, 'Bad credentials');
  if (/^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(secret)) return { type: 'app', app: await appOf(host, secret) };
  const token = findToken(host, secret);
  switch (token?.for.type) {
    case 'user':
      return { type: 'user', account: host.store.accounts.get(token.for.accountId), token };
    case 'installation': {
      const installation = host.store.installations.find(token.for.installationId);
      if (installation === undefined) throw new Refusal(401, 'Bad credentials');
      if (installation.suspendedAt !== null) throw suspended();
      const app = host.store.apps.get(installation.appId);
      const { repositoryIds, permissions } = token.for;
      return {
        type: 'installation',
        app,
        installation,
        bot: host.store.accounts.get(app.botId),
        repositoryIds,
        permissions,
      };
    }
    default:
      // Sign-in links and page sessions are no API credentials.
      throw new Refusal(401, 'Bad credentials');
  }
}

export function suspended(): Refusal {
  return new Refusal(403, 'This installation has been suspended');
}

/** @throws Refusal 401 for those who sign in as nobody, 403 for an App that is not installed */
export function actorOf(principal: Principal): Actor {
  switch (principal.type) {
    case 'user':
      return { account: principal.account, appId: null };
    case 'installation':
      return { account: principal.bot, appId: principal.app.id };
    case 'app':
      throw new Refusal(403, 'Resource not accessible by integration');
    case 'anonymous':
      throw new Refusal(401, 'Requires authentication');
  }
}

function secretIn(authorization: string): string | undefined {
  const [scheme = '', rest = ''] = authorization.split(/ +/, 2);
  switch (scheme.toLowerCase()) {
    case 'bearer':
    case 'token':
      return rest;
    case 'basic': {
      const pair = Buffer.from(rest, 'base64').toString();
      const colon = pair.indexOf(':');
      return colon < 0 ? undefined : pair.slice(colon + 1);
    }
    default:
      return undefined;
  }
}

/** An App proves itself by a JWT over its private key, valid for 10 minutes at most. */
async function appOf(host: Host, jwt: string): Promise<App> {
  const refused = new Refusal(401, 'A JSON web token could not be decoded');
  try {
    if (decodeProtectedHeader(jwt).alg !== 'RS256') throw refused;
    const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
    const issuer = typeof claims === 'object' && claims !== null && 'iss' in claims ? String(claims.iss) : '';
    const app = host.store.apps.all().find(({ id, clientId }) => String(id) === issuer || clientId === issuer);
    if (app === undefined) throw refused;
    const { payload } = await jwtVerify(jwt, createPublicKey(app.publicKeyPem), {
      algorithms: ['RS256'],
      currentDate: host.now(),
      requiredClaims: ['iat', 'exp'],
      // GitHub takes clocks that run a little apart.
      clockTolerance: 5,
    });
    const { iat = 0, exp = 0 } = payload;
    const now = host.now().getTime() / 1000;
    if (exp - now > 10 * 60 + 5 || iat > now + 5)
      throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
    return app;
  } catch (error) {
    throw error instanceof Refusal ? error : refused;
  }
}
