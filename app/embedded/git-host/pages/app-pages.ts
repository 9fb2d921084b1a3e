import { randomBytes } from 'node:crypto';
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { z } from 'zod';
import { issueToken } from '../access/secrets.ts';
import { installApp, registerApp, slugOf } from '../domain/apps.ts';
import { registerOAuthApp } from '../domain/oauth-apps.ts';
import { type Account, type App, Permissions } from '../entities.ts';
import type { Host } from '../host.ts';
import { notFound, Refusal, validationFailed } from '../refusal.ts';
import { csrfField, page } from './layout.ts';
import { type PageEnv, type Viewer, viewerOf } from './session.ts';
import type { Html } from './words.ts';

const codeLifetimeMs = 60 * 60 * 1000;

const Manifest = z.object({
  name: z.string().min(1).max(34),
  url: z.url(),
  hook_attributes: z.object({ url: z.url(), active: z.boolean().optional() }),
  redirect_url: z.url({ protocol: /^https?$/ }),
  setup_url: z.url({ protocol: /^https?$/ }).optional(),
  callback_urls: z
    .array(z.url({ protocol: /^https?$/ }))
    .max(10)
    .optional(),
  public: z.boolean().optional(),
  default_permissions: Permissions,
  default_events: z.array(z.string()),
});

/** What another site posts to have an App made: shown to the person, and nothing is made until they press the button. */
export function addManifestPage(pages: Hono<PageEnv>, host: Host): void {
  const show = (viewer: Viewer | undefined, owner: string | undefined, text: string, state: string): Html => {
    if (viewer === undefined) throw new Refusal(401, 'Open the sign-in link that the start command printed.');
    const account = ownerFor(host, viewer, owner);
    const manifest = manifestIn(text);
    return page({
      title: `Create ${manifest.name}`,
      viewer,
      body: html`<h1 class="page">Create GitHub App</h1>
        <form method="post" action="/settings/apps" class="box note">
          ${csrfField(viewer)}<input type="hidden" name="manifest" value="${text}" />
          <input type="hidden" name="state" value="${state}" /><input type="hidden" name="owner" value="${account.login}" />
          <p><strong>${manifest.name}</strong> of ${account.login}, by ${manifest.url}</p>
          <p>Webhooks go to ${manifest.hook_attributes.url}</p>
          <ul>${Object.entries(manifest.default_permissions).map(([name, level]) => html`<li>${name}: ${level}</li>`)}</ul>
          <p><button class="primary">Create GitHub App for ${account.login}</button></p>
        </form>`,
    });
  };
  for (const path of ['/settings/apps/new', '/organizations/:owner/settings/apps/new'] as const)
    pages.post(path, async (c) => {
      const { manifest } = await c.req.parseBody();
      return c.html(show(viewerOf(host, c), c.req.param('owner'), String(manifest ?? ''), c.req.query('state') ?? ''));
    });
}

/** Makes the App, and installs it. */
export function addAppPages(pages: Hono<PageEnv>, host: Host): void {
  pages.post('/settings/apps', async (c) => {
    const form = await c.req.parseBody();
    const owner = ownerFor(host, c.get('viewer'), String(form['owner'] ?? ''));
    const manifest = manifestIn(String(form['manifest'] ?? ''));
    if (host.store.apps.findByKey(slugOf(manifest.name)))
      throw validationFailed({ resource: 'App', field: 'name', code: 'already_exists' });
    const { app } = await registerApp(host, host.keysFolder, {
      name: manifest.name,
      owner,
      webhookUrl: manifest.hook_attributes.url,
      webhookSecret: randomBytes(20).toString('hex'),
      events: manifest.default_events,
      permissions: manifest.default_permissions,
      ...(manifest.setup_url === undefined ? {} : { setupUrl: manifest.setup_url }),
    });
    // Its secret is told with the App's other ones, by another registration.
    registerOAuthApp(host, { clientId: app.clientId, name: app.name, redirectUrls: manifest.callback_urls ?? [] });
    const code = issueToken(host, '', { type: 'app-manifest', appId: app.id }, codeLifetimeMs).secret;
    const back = new URL(manifest.redirect_url);
    back.searchParams.set('code', code);
    back.searchParams.set('state', String(form['state'] ?? ''));
    return c.html(onward(c.get('viewer'), `${manifest.name} is registered`, back.href));
  });

  pages.get('/github-apps/:slug/installations/new', (c) => {
    const viewer = c.get('viewer');
    const app = appIn(host, c.req.param('slug'));
    return c.html(
      page({
        title: `Install ${app.name}`,
        viewer,
        body: html`<h1 class="page">Install ${app.name}</h1>
          ${accountsOf(host, viewer).map(
            (account) => html`<form method="post" action="/github-apps/${app.slug}/installations" class="box note">
              ${csrfField(viewer)}<input type="hidden" name="account" value="${account.login}" />
              <button class="primary">Install on all repositories of ${account.login}</button>
            </form>`,
          )}`,
      }),
    );
  });

  pages.post('/github-apps/:slug/installations', async (c) => {
    const viewer = c.get('viewer');
    const app = appIn(host, c.req.param('slug'));
    const form = await c.req.parseBody();
    const account = ownerFor(host, viewer, String(form['account'] ?? ''));
    const { id } = installApp(host, app, account, viewer.account);
    const done = `${app.name} is installed on ${account.login}`;
    if (app.setupUrl === null) return c.html(page({ title: done, viewer, body: html`<h1 class="page">${done}</h1>` }));
    const back = new URL(app.setupUrl);
    back.searchParams.set('installation_id', String(id));
    back.searchParams.set('setup_action', 'install');
    return c.html(onward(viewer, done, back.href));
  });
}

/** GitHub redirects; here a page leads on, since browsers hold a form's redirects to this page's own policy. */
export function onward(viewer: Viewer, title: string, url: string): Html {
  return page({
    title,
    viewer,
    head: html`<meta http-equiv="refresh" content="0;url=${url}" />`,
    body: html`<h1 class="page">${title}</h1><p><a id="onward" href="${url}">Go on</a></p>`,
  });
}

function manifestIn(text: string): z.infer<typeof Manifest> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal(400, 'Problems parsing JSON');
  }
  const parsed = Manifest.safeParse(value);
  if (parsed.success) return parsed.data;
  throw validationFailed(
    ...parsed.error.issues.map(({ path, message }) => ({
      resource: 'App',
      field: path.join('.'),
      code: 'custom' as const,
      message: `${path.join('.')}: ${message}`,
    })),
  );
}

function appIn(host: Host, slug: string): App {
  const app = host.store.apps.findByKey(slug);
  if (app === undefined) throw notFound();
  return app;
}

/** Accounts that this person may install Apps on. */
function accountsOf(host: Host, { account }: Viewer): readonly Account[] {
  const isAdmin = (organization: Account) =>
    host.store.grants.findByKey(`organization:${organization.id}:${account.id}`)?.role === 'admin';
  return [...host.store.accounts.all().filter((each) => each.type === 'Organization' && isAdmin(each)), account];
}

function ownerFor(host: Host, viewer: Viewer, login: string | undefined): Account {
  const found = accountsOf(host, viewer).find((each) => each.login === (login ?? viewer.account.login));
  if (found === undefined) throw new Refusal(403, 'You may not register or install Apps there');
  return found;
}
