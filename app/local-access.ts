import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';

/**
 * Lets only programs with the token in: no website that the user visits may act here, even on loopback. Checks the Host
 * header (DNS rebinding), refuses anything a browser sent for a page, and compares the token in constant time.
 * @param hosts `host:port` values under which this listener may be addressed
 */
export function requireToken(token: string, hosts: () => ReadonlySet<string>): MiddlewareHandler {
  const expected = digestOf(`Bearer ${token}`);
  return async (context, next) => {
    const host = context.req.header('host') ?? '';
    if (!hosts().has(host)) {
      return context.json(
        { error: 'This host name is not served here', fix: 'Use the address that `slipway start` printed' },
        421,
      );
    }
    if (context.req.header('origin') !== undefined || context.req.header('sec-fetch-site') !== undefined) {
      return context.json({ error: 'Browsers are not served here', fix: 'Use the `slipway` command' }, 403);
    }
    if (!timingSafeEqual(digestOf(context.req.header('authorization') ?? ''), expected)) {
      return context.json(
        { error: 'The token is missing or wrong', fix: 'Use the `slipway` command of the user who started Slipway' },
        401,
      );
    }
    return next();
  };
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
