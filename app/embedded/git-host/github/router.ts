import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { matchedRoutes } from 'hono/route';
import { principalOf } from '../access/principal.ts';
import { type Faults, injectFaults } from '../faults.ts';
import type { Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { RequestCounter } from '../request-counter.ts';
import type { Api, ApiContext, ApiEnv } from './api.ts';
import { addAppRoutes } from './app-routes.ts';
import { addCheckRoutes } from './check-routes.ts';
import { addCodeRoutes } from './code-routes.ts';
import { addIssueRoutes } from './issue-routes.ts';
import { addPullRoutes } from './pull-routes.ts';
import type { RateLimiter } from './rate-limit.ts';
import { addRepositoryRoutes } from './repository-routes.ts';
import { addStatusRoutes } from './status-routes.ts';

/** 50 annotations of 64 kB and two texts fit. */
const maxBodyBytes = 5 * 1024 * 1024;
const prefix = '/api/v3';

/** The REST API below `/api/v3`, where a GitHub Enterprise Server has it. Tokens only: cookies are not looked at. */
export function restApi(
  host: Host,
  parts: { readonly faults: Faults; readonly requests: RequestCounter; readonly limiter: RateLimiter },
): Api {
  const api: Api = new Hono<ApiEnv>();
  api.use(injectFaults(parts.faults, prefix));
  api.use(async (c, next) => {
    // A browser names the page it acts for; no page has business here.
    if (c.req.header('origin') !== undefined) throw new Refusal(403, 'Requests from web pages are refused');
    c.header('X-GitHub-Media-Type', 'github.v3; format=json');
    c.header('Cache-Control', 'private, max-age=0');
    const principal = await principalOf(host, c.req.header('authorization'));
    c.set('principal', principal);
    const state = parts.limiter.count(principal);
    c.header('X-RateLimit-Limit', String(state.limit));
    c.header('X-RateLimit-Remaining', String(Math.max(0, state.limit - state.used)));
    c.header('X-RateLimit-Used', String(state.used));
    c.header('X-RateLimit-Reset', String(state.resetsAt));
    c.header('X-RateLimit-Resource', 'core');
    if (state.used > state.limit) throw new Refusal(403, 'API rate limit exceeded');
    await next();
    const route = matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'));
    parts.requests.add(c.req.method, route?.path.slice(prefix.length) ?? 'unknown');
    notModified(c, await etagOf(c));
  });
  api.use(
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: () => {
        throw new Refusal(413, 'Payload too large');
      },
    }),
  );

  api.get('/meta', (c) => c.json({ verifiable_password_authentication: false, installed_version: '0.0.0' }));
  api.get('/rate_limit', (c) => c.json({ resources: {}, rate: {} }));
  addAppRoutes(api, host);
  addRepositoryRoutes(api, host);
  addCheckRoutes(api, host);
  addStatusRoutes(api, host);
  addIssueRoutes(api, host);
  addPullRoutes(api, host);
  addCodeRoutes(api, host);

  api.notFound((c) => answer(c, notFound()));
  api.onError((error, c) => {
    if (error instanceof Refusal) return answer(c, error);
    host.log.error({ err: error, method: c.req.method, path: c.req.path }, 'the Git host failed to answer');
    return c.json({ message: 'Server Error' }, 500);
  });
  return api;
}

function answer(c: ApiContext, refusal: Refusal): Response {
  return c.json(
    {
      message: refusal.message,
      documentation_url: 'https://docs.github.com/rest',
      status: String(refusal.status),
      ...(refusal.errors.length === 0 ? {} : { errors: refusal.errors }),
    },
    refusal.status,
  );
}

async function etagOf(c: ApiContext): Promise<string | undefined> {
  if (c.req.method !== 'GET' || c.res.status !== 200 || c.res.body === null) return undefined;
  const bytes = new Uint8Array(await c.res.clone().arrayBuffer());
  return `W/"${createHash('sha256').update(bytes).digest('hex')}"`;
}

function notModified(c: ApiContext, etag: string | undefined): void {
  if (etag === undefined) return;
  if (c.req.header('if-none-match') === etag) c.res = new Response(null, { status: 304, headers: c.res.headers });
  c.header('ETag', etag);
}
