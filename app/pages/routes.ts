import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { z } from 'zod';
import type { BrowserSession } from './browser-session.ts';
import { usedLinkPage } from './run-access-pages.ts';

const linkFacts = z.object({ to: z.string().startsWith('/') });

/**
 * What a browser gets.
 * @param parts.hosts `host:port` values under which pages may be addressed: a name that an attacker's DNS points here is none
 */
export function pageRoutes(parts: {
  readonly setup: Hono;
  /** By people's accounts at Git hosts. */
  readonly signIn: Hono;
  readonly runs: Hono;
  readonly session: BrowserSession;
  readonly hosts: () => ReadonlySet<string>;
}): Hono {
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
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      );
    }
    return undefined;
  });
  for (const name of ['base.css', 'page.css', 'live.js', 'log.js']) {
    const text = readFileSync(join(import.meta.dirname, name), 'utf8');
    const type = `text/${name.endsWith('.css') ? 'css' : 'javascript'}; charset=utf-8`;
    pages.get(`/assets/${name}`, (context) => context.body(text, 200, { 'content-type': type }));
  }
  pages.route('/setup', parts.setup);
  pages.get('/sign-in', async (context) => {
    const facts = await parts.session.signInByLink(context, context.req.query('token') ?? '');
    const to = linkFacts.safeParse(facts);
    // Where it leads stands in what is signed: nobody else can choose it.
    return to.success ? context.redirect(to.data.to, 303) : context.html(usedLinkPage(), 401);
  });
  pages.route('/sign-in', parts.signIn);
  pages.get('/', (context) => context.redirect('/runs', 303));
  pages.route('/runs', parts.runs);
  return pages;
}
