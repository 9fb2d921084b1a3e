import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { z } from 'zod';
import { GitHostError } from '../../providers/git-host-error.ts';
import type { GitHostSetup } from '../../providers/git-host-setup.ts';
import { reportOf } from '../error-report.ts';
import type { BrowserSession } from './browser-session.ts';
import { noSignInPage } from './run-access-pages.ts';
import type { Claims, Signed } from './signed.ts';

/** As long as people take at the host: a second factor, an administrator's consent. */
const wayMs = 10 * 60_000;
const maxAnswerChars = 4_096;

/** A page of runs: nobody is led anywhere else. */
const page = z
  .string()
  .max(500)
  .regex(/^\/runs(?:\/[\w%.~!'()*-]+)*$/)
  // No "..", however it is written.
  .refine((path) => URL.parse(path, 'http://slipway.invalid')?.pathname === path)
  .catch('/runs');
const wayFacts = z.object({ to: page, verifier: z.string() });

/** Where a host sends browsers back to: it has to be registered there exactly so. */
export function signInAddress(url: string, provider: string): string {
  return `${url}/sign-in/${provider}/done`;
}

/**
 * Signs people in by their account at a Git host. The way there and back belongs to one browser: the state that comes
 * back counts beside the cookie that this browser got, and once.
 */
export function signInRoutes(parts: {
  readonly session: BrowserSession;
  readonly signed: Signed;
  readonly setup: (provider: string) => GitHostSetup | undefined;
  /** Where people reach Slipway. */
  readonly url: () => string;
  readonly onError: (error: unknown) => void;
}): Hono {
  const { session, signed, setup, url } = parts;
  const routes = new Hono();
  const cookieName = () => `${session.cookieName()}-sign-in`;
  const cookieFacts = () =>
    ({ path: '/', secure: url().startsWith('https:'), httpOnly: true, sameSite: 'Lax' }) as const;

  routes.get('/:provider', async (context) => {
    const provider = context.req.param('provider');
    const signIn = setup(provider)?.signIn;
    if (signIn === undefined) return context.html(noSignInPage('Nobody signs in by this address'), 404);
    const [id, verifier] = [newSecret(), newSecret()];
    const facts = { id, subject: provider, lifetimeMs: wayMs, to: page.parse(context.req.query('to')), verifier };
    setCookie(context, cookieName(), await signed.make('sign-in-way', facts), {
      ...cookieFacts(),
      maxAge: wayMs / 1_000,
    });
    return context.redirect(
      await signIn.begin({ state: id, redirectUrl: signInAddress(url(), provider), verifier }),
      303,
    );
  });

  routes.get('/:provider/done', async (context) => {
    const provider = context.req.param('provider');
    const { signIn, apiUrl = '' } = setup(provider) ?? {};
    const claims = await wayOf(context, provider);
    const facts = wayFacts.safeParse(claims?.facts);
    const answer = new URL(context.req.url).searchParams;
    deleteCookie(context, cookieName(), cookieFacts());
    if (signIn === undefined || claims === undefined || !facts.success || !isSame(answer.get('state'), claims.id))
      return context.html(
        noSignInPage('This answer belongs to nothing that this browser began in the last minutes'),
        403,
      );
    if (answer.size > 0 && answer.toString().length > maxAnswerChars)
      return context.html(noSignInPage('This answer is too long'), 400);
    if (!(await signed.takeOnce(claims))) return context.html(noSignInPage('This answer was taken already'), 409);
    try {
      const way = { state: claims.id, redirectUrl: signInAddress(url(), provider), verifier: facts.data.verifier };
      const { login } = await signIn.finish(way, answer);
      await session.begin(context, { type: 'person', provider, host: apiUrl, login });
    } catch (error) {
      if (!(error instanceof GitHostError && error.code === 'denied')) parts.onError(error);
      const { message, fix } = reportOf(error);
      return context.html(noSignInPage(message, fix), 403);
    }
    return context.redirect(facts.data.to, 303);
  });

  async function wayOf(context: Context, provider: string): Promise<Claims | undefined> {
    const claims = await signed.read('sign-in-way', getCookie(context, cookieName()) ?? '');
    return claims?.subject === provider ? claims : undefined;
  }

  return routes;
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

function isSame(given: string | null, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return given !== null && timingSafeEqual(digest(given), digest(wanted));
}
