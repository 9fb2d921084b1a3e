import { randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { GitHostRegistration, RegistrationPlace } from '../../providers/git-host-registration.ts';
import { isSafeUrl } from '../config.ts';
import { reportOf } from '../error-report.ts';
import type { GitHostsInUse } from '../installations/git-hosts-in-use.ts';
import type { StoredGitHosts } from '../installations/stored-git-hosts.ts';
import type { BrowserSession } from './browser-session.ts';
import { gitHubManifest } from './github-manifest.ts';
import { donePage, problemPage, setupPage, signInPage } from './setup-page.ts';
import type { Signed } from './signed.ts';

const gitHubUrl = 'https://github.com';
/** As long as GitHub keeps a code. */
const stateMs = 3_600_000;
const maxFormBytes = 4_096;

const placeQuery = z.object({
  url: z
    .string()
    .max(300)
    .default('')
    .transform((text) => (text === '' ? gitHubUrl : text))
    .refine((text) => URL.canParse(text) && isSafeUrl(text), 'has to be https, or http on this machine alone')
    // The origin alone: no path, no credentials, nothing that could send a secret elsewhere.
    .transform((text) => new URL(text).origin),
  organization: z
    .string()
    .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$/, 'is no name of an organisation')
    .or(z.literal(''))
    .default(''),
});

const stateFacts = z.object({ url: z.string(), organization: z.string().optional() });

/** Registers Slipway at GitHub by a browser: a link or the API token opens it, a click does it. */
export function setupRoutes(parts: {
  readonly session: BrowserSession;
  readonly signed: Signed;
  readonly stored: StoredGitHosts;
  readonly inUse: GitHostsInUse;
  readonly registration: GitHostRegistration;
  /** Where people and hosts reach Slipway. */
  readonly url: () => string;
  readonly onError: (error: unknown) => void;
}): Hono {
  const { session, signed, stored, inUse, registration } = parts;
  const routes = new Hono();

  routes.get('/sign-in', async (context) => {
    const { token = '', ...place } = context.req.query();
    if ((await session.signInByLink(context, token)) === undefined)
      return context.html(signInPage('This link was used before or is over an hour old.'), 401);
    return context.redirect(`/setup?${new URLSearchParams(place)}`, 303);
  });

  routes.post('/sign-in', bodyLimit({ maxSize: maxFormBytes }), async (context) => {
    const { token } = await context.req.parseBody();
    if (typeof token !== 'string' || !(await session.signInByApiToken(context, token.trim())))
      return context.html(signInPage('This is not the API token.'), 401);
    return context.redirect('/setup', 303);
  });

  routes.get('/github/installed', (context) => context.html(donePage()));

  routes.use(async (context, next) => {
    if ((await session.operator(context)) === undefined) return context.html(signInPage(), 401);
    return next();
  });

  routes.get('/', async (context) => {
    const query = placeQuery.safeParse(context.req.query());
    if (!query.success) {
      const [issue] = query.error.issues;
      return context.html(
        problemPage({
          title: 'This cannot be used',
          why: `${issue?.path.join('.') === 'url' ? 'The address' : 'The name'} ${issue?.message ?? ''}.`,
          fix: 'Correct it.',
        }),
        400,
      );
    }
    const place = placeOf(query.data);
    const state = await signed.make('setup-state', {
      id: randomUUID(),
      subject: (await session.operator(context)) ?? '',
      lifetimeMs: stateMs,
      ...place,
    });
    const manifest = gitHubManifest(parts.url(), place.organization);
    const known = await stored.find('github');
    const page = setupPage({
      github:
        inUse.from('github') === 'environment'
          ? { from: 'environment' }
          : known === undefined
            ? undefined
            : { from: 'stored', url: known.url, setUpAt: known.setUpAt },
      hindrance: stored.canStore
        ? undefined
        : 'Secrets could not be stored: set SLIPWAY_ENCRYPTION_KEY to the output of `openssl rand -base64 32`, the same for all replicas, and start Slipway again.',
      place,
      form: { action: registration.formUrl(place, state), manifest: JSON.stringify(manifest) },
      warning: unreachable(parts.url(), place.url),
      permissions: Object.entries(manifest.default_permissions),
    });
    const response = await context.html(page);
    response.headers.set('content-security-policy', policyFor(place.url));
    return response;
  });

  routes.get('/github/created', async (context) => {
    const { code = '', state = '' } = context.req.query();
    const claims = await signed.read('setup-state', state);
    const facts = stateFacts.safeParse(claims?.facts);
    const isOwn = claims !== undefined && facts.success && claims.subject === (await session.operator(context));
    if (!isOwn) {
      return context.html(
        problemPage({
          title: 'Nothing was set up',
          why: 'This answer does not belong to a setup that this browser began within the last hour.',
          fix: 'Start again from the setup page.',
        }),
        403,
      );
    }
    if (!(await signed.takeOnce(claims))) {
      return context.html(
        problemPage({
          title: 'This was taken already',
          why: 'An answer of GitHub counts once.',
          fix: 'Look at the setup page: GitHub may be set up by now.',
        }),
        409,
      );
    }
    return redeem(context, facts.data, code);
  });

  async function redeem(context: Context, facts: z.infer<typeof stateFacts>, code: string): Promise<Response> {
    const place = placeOf(facts);
    try {
      const { settings, installUrl } = await registration.redeem(place, code);
      await stored.save({ provider: 'github', url: place.url, settings, by: 'setup page' });
      await inUse.refresh();
      return context.redirect(installUrl, 303);
    } catch (error) {
      parts.onError(error);
      const { message, fix } = reportOf(error);
      return context.html(problemPage({ title: 'Nothing was set up', why: message, fix: fix ?? '' }), 502);
    }
  }

  return routes;
}

function placeOf({ url, organization }: { url: string; organization?: string | undefined }): RegistrationPlace {
  return { url, ...(organization === undefined || organization === '' ? {} : { organization }) };
}

/** Pages load nothing but the style sheet; the form goes to the host alone. */
function policyFor(url: string): string {
  // An Enterprise Server may ask a sign-in service first, and browsers hold the form to this list on that way too.
  const targets = url === gitHubUrl ? url : `${url} https:`;
  return `default-src 'none'; style-src 'self'; form-action 'self' ${targets}; base-uri 'none'; frame-ancestors 'none'`;
}

function unreachable(own: string, host: string): string | undefined {
  const isLocal = (url: string) => new URL(url).protocol === 'http:';
  return isLocal(own) && !isLocal(host)
    ? `GitHub has to reach Slipway, and ${own} is this machine alone: set SLIPWAY_PUBLIC_URL to its public address first.`
    : undefined;
}
