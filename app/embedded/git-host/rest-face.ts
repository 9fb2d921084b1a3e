import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { matchedRoutes } from 'hono/route';
import { type Principal, principalOf } from './access/principal.ts';
import { type Faults, injectFaults } from './faults.ts';
import type { Host } from './host.ts';
import type { RateLimiter, RateLimitState } from './rate-limit.ts';
import { notFound, Refusal } from './refusal.ts';
import type { RequestCounter } from './request-counter.ts';
import type { SecondaryLimits } from './secondary-limits.ts';

export interface ApiEnv {
  Bindings: HttpBindings;
  Variables: { principal: Principal };
}
export type Api = Hono<ApiEnv>;
export type ApiContext = Context<ApiEnv>;

/** 50 annotations of 64 kB and two texts fit. */
const maxBodyBytes = 5 * 1024 * 1024;

/** What all REST faces share: faults made on order, tokens alone (cookies are not looked at), limits, and refusals in the face's own words. */
export function restFace(
  host: Host,
  parts: {
    readonly faults: Faults;
    readonly requests: RequestCounter;
    readonly limiter: RateLimiter;
    readonly secondary?: SecondaryLimits;
  },
  face: {
    readonly prefix: string;
    /** The refusal as the face words it. */
    refuse(c: ApiContext, refusal: Refusal): Response;
    /** Headers that tell of the limit. @throws Refusal past it */
    limited(c: ApiContext, state: RateLimitState): void;
  },
): Api {
  const api: Api = new Hono<ApiEnv>();
  api.use(injectFaults(parts.faults, face.prefix));
  api.use(async (c, next) => {
    // A browser names the page it acts for; no page has business here.
    if (c.req.header('origin') !== undefined) throw new Refusal(403, 'Requests from web pages are refused');
    const principal = await principalOf(host, c.req.header('authorization'));
    c.set('principal', principal);
    face.limited(c, parts.limiter.count(principal));
    const waitSeconds = parts.secondary?.begin(principal, c.req.method, c.req.path);
    if (waitSeconds !== undefined) {
      c.header('Retry-After', String(waitSeconds));
      throw new Refusal(host.face.name === 'github' ? 403 : 429, 'You have exceeded a secondary rate limit');
    }
    await next();
    parts.secondary?.end(principal);
    const route = matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'));
    parts.requests.add(c.req.method, route?.path.slice(face.prefix.length) ?? 'unknown');
  });
  api.use(
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: () => {
        throw new Refusal(413, 'Payload too large');
      },
    }),
  );
  api.notFound((c) => face.refuse(c, notFound()));
  api.onError((error, c) => {
    if (error instanceof Refusal) return face.refuse(c, error);
    host.log.error({ err: error, method: c.req.method, path: c.req.path }, 'the Git host failed to answer');
    return c.json({ message: 'Server Error' }, 500);
  });
  return api;
}
