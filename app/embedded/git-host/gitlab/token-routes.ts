import { z } from 'zod';
import { issueToken } from '../access/secrets.ts';
import type { AccessToken } from '../entities.ts';
import type { Host } from '../host.ts';
import { Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { readFields } from './api.ts';

const dayMs = 86_400_000;
/** What GitLab gives when nobody asks for more. */
const renewedForDays = 7;

/** A token about itself. */
export function addTokenRoutes(api: Api, host: Host): void {
  api.get('/personal_access_tokens/self', (c) => c.json(tokenShape(tokenOf(c, ['api', 'read_api', 'read_user']))));

  api.post('/personal_access_tokens/self/rotate', async (c) => {
    const token = tokenOf(c, ['api', 'self_rotate']);
    const { expires_at } = await readFields(c, z.object({ expires_at: z.iso.date().optional() }));
    const now = host.now().getTime();
    const end = expires_at === undefined ? now + renewedForDays * dayMs : Date.parse(`${expires_at}T00:00:00Z`);
    if (end - now > 366 * dayMs) throw new Refusal(400, 'expires_at is too far in the future');
    const { secret } = issueToken(host, host.face.tokenPrefix, token.for, end - now);
    host.store.tokens.delete(token.id);
    return c.json({ ...tokenShape({ ...token, expiresAt: new Date(end).toISOString() }), token: secret });
  });
}

/** @throws Refusal 403 where the token has none of these scopes */
function tokenOf(c: ApiContext, scopes: readonly string[]): AccessToken {
  const principal = c.get('principal');
  if (principal.type !== 'user' || principal.token?.for.type !== 'user') throw new Refusal(401, '401 Unauthorized');
  const held = principal.token.for.scopes ?? ['api'];
  if (!held.some((scope) => scopes.includes(scope)))
    throw new Refusal(403, 'The request requires higher privileges than provided by the access token.');
  return principal.token;
}

function tokenShape(token: AccessToken) {
  const scopes = token.for.type === 'user' ? (token.for.scopes ?? ['api']) : [];
  return {
    id: token.id,
    name: 'slipway',
    revoked: false,
    active: true,
    scopes,
    expires_at: token.expiresAt?.slice(0, 10) ?? null,
  };
}
