import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

/**
 * What a browser gets.
 * @param parts.hosts `host:port` values under which pages may be addressed: a name that an attacker's DNS points here is none
 */
export function pageRoutes(parts: { readonly setup: Hono; readonly hosts: () => ReadonlySet<string> }): Hono {
  const styles = readFileSync(join(import.meta.dirname, 'page.css'), 'utf8');
  const pages = new Hono();
  pages.use(
    secureHeaders({
      xFrameOptions: 'DENY',
      // Addresses of pages carry what opens them.
      referrerPolicy: 'no-referrer',
      crossOriginResourcePolicy: 'same-origin',
      crossOriginOpenerPolicy: 'same-origin',
    }),
  );
  pages.use(async (context, next) => {
    if (!parts.hosts().has(context.req.header('host') ?? ''))
      return context.text('This host name is not served here: use the address in SLIPWAY_PUBLIC_URL\n', 421);
    await next();
    context.header('Cache-Control', 'no-store');
    if (!context.res.headers.has('content-security-policy')) {
      context.header(
        'Content-Security-Policy',
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      );
    }
    return undefined;
  });
  pages.get('/assets/page.css', (context) => context.body(styles, 200, { 'content-type': 'text/css; charset=utf-8' }));
  pages.route('/setup', parts.setup);
  return pages;
}
