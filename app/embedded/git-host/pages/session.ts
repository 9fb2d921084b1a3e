import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { findToken, issueToken } from '../access/secrets.ts';
import type { Account } from '../entities.ts';
import type { Actor, Host } from '../host.ts';
import { Refusal } from '../refusal.ts';

const sessionLifetimeMs = 12 * 60 * 60 * 1000;

/** Who looks at a page, and what their forms must carry. */
export interface Viewer {
  readonly account: Account;
  readonly csrfToken: string;
}

export interface PageEnv {
  Variables: { viewer: Viewer };
}
export type PageContext = Context<PageEnv>;

/** Cookies are shared between ports of a host, so each host names its own. */
function cookieName(host: Host): string {
  return `slipway_git_host_${new URL(host.url).port}`;
}

/** Trades a sign-in link's secret, which then is worth nothing, for a session. @throws Refusal 401 */
export function signIn(host: Host, c: Context, secret: string): void {
  const token = findToken(host, secret);
  if (token?.for.type !== 'sign-in')
    throw new Refusal(401, 'This sign-in link has been used or is too old. Ask for a new one.');
  const { accountId } = token.for;
  host.store.tokens.delete(token.id);
  const session = issueToken(host, '', { type: 'session', accountId }, sessionLifetimeMs);
  setCookie(c, cookieName(host), session.secret, {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
    maxAge: sessionLifetimeMs / 1000,
  });
}

export function signOut(host: Host, c: Context): void {
  const secret = getCookie(c, cookieName(host));
  const token = secret === undefined ? undefined : findToken(host, secret);
  if (token?.for.type === 'session') host.store.tokens.delete(token.id);
  deleteCookie(c, cookieName(host), { path: '/' });
}

/** Who looks; undefined for those who are not signed in. Says nothing about where a form came from. */
export function viewerOf(host: Host, c: Context): Viewer | undefined {
  const secret = getCookie(c, cookieName(host));
  const token = secret === undefined ? undefined : findToken(host, secret);
  if (secret === undefined || token?.for.type !== 'session') return undefined;
  const csrfToken = createHmac('sha256', secret).update('form').digest('base64url');
  return { account: host.store.accounts.get(token.for.accountId), csrfToken };
}

/** Lets signed-in people in. What changes something must also come from one of our own forms. @throws Refusal 401, 403 */
export function requireViewer(host: Host): MiddlewareHandler<PageEnv> {
  return async (c, next) => {
    const viewer = viewerOf(host, c);
    if (viewer === undefined) throw new Refusal(401, 'Open the sign-in link that the start command printed.');
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') await refuseForgery(host, c, viewer.csrfToken);
    c.set('viewer', viewer);
    await next();
  };
}

/** Three independent proofs that a form is ours: where the browser says it comes from, twice, and the token in it. */
async function refuseForgery(host: Host, c: Context, csrfToken: string): Promise<void> {
  const forged = new Refusal(403, 'This form did not come from one of these pages. Reload the page and try again.');
  const own = new Set([host.url, host.url.replace('127.0.0.1', 'localhost')]);
  if (!own.has(c.req.header('origin') ?? '')) throw forged;
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin') throw forged;
  const given = Buffer.from(String((await c.req.parseBody())['csrf'] ?? ''));
  const wanted = Buffer.from(csrfToken);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw forged;
}

export function actorOf(viewer: Viewer): Actor {
  return { account: viewer.account, appId: null };
}
