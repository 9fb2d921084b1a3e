import { createHash } from 'node:crypto';
import type { Faults } from '../faults.ts';
import type { Host } from '../host.ts';
import type { RateLimiter } from '../rate-limit.ts';
import { Refusal } from '../refusal.ts';
import type { RequestCounter } from '../request-counter.ts';
import { type Api, type ApiContext, restFace } from '../rest-face.ts';
import type { SecondaryLimits } from '../secondary-limits.ts';
import { addAppRoutes } from './app-routes.ts';
import { addCheckRoutes } from './check-routes.ts';
import { addCodeRoutes } from './code-routes.ts';
import { addGitObjectRoutes } from './git-object-routes.ts';
import { addIssueRoutes } from './issue-routes.ts';
import { addPullRoutes } from './pull-routes.ts';
import { addRepositoryRoutes } from './repository-routes.ts';
import { addStatusRoutes } from './status-routes.ts';

const prefix = '/api/v3';

/** The REST API below `/api/v3`, where a GitHub Enterprise Server has it. */
export function restApi(
  host: Host,
  parts: {
    readonly faults: Faults;
    readonly requests: RequestCounter;
    readonly limiter: RateLimiter;
    readonly secondary?: SecondaryLimits;
  },
): Api {
  const api = restFace(host, parts, {
    prefix,
    refuse: answer,
    limited(c, state) {
      c.header('X-GitHub-Media-Type', 'github.v3; format=json');
      c.header('Cache-Control', 'private, max-age=0');
      c.header('X-RateLimit-Limit', String(state.limit));
      c.header('X-RateLimit-Remaining', String(Math.max(0, state.limit - state.used)));
      c.header('X-RateLimit-Used', String(state.used));
      c.header('X-RateLimit-Reset', String(state.resetsAt));
      c.header('X-RateLimit-Resource', 'core');
      if (state.used > state.limit) throw new Refusal(403, 'API rate limit exceeded');
    },
  });
  api.use(async (c, next) => {
    await next();
    const principal = c.get('principal');
    if (isNotModified(c, await etagOf(c)) && principal.type !== 'anonymous') parts.limiter.forgive(principal);
  });

  api.get('/meta', (c) => c.json({ verifiable_password_authentication: false, installed_version: '0.0.0' }));
  api.get('/rate_limit', (c) => c.json({ resources: {}, rate: {} }));
  addAppRoutes(api, host);
  addRepositoryRoutes(api, host);
  addCheckRoutes(api, host);
  addStatusRoutes(api, host);
  addIssueRoutes(api, host);
  addPullRoutes(api, host);
  addCodeRoutes(api, host);
  addGitObjectRoutes(api, host);
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

function isNotModified(c: ApiContext, etag: string | undefined): boolean {
  if (etag === undefined) return false;
  const isKnown = c.req.header('if-none-match') === etag;
  if (isKnown) c.res = new Response(null, { status: 304, headers: c.res.headers });
  c.header('ETag', etag);
  return isKnown;
}
