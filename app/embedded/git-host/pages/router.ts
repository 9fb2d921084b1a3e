import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import { findPull } from '../domain/pulls.ts';
import type { Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import { numberIn, repositoryIn } from './addresses.ts';
import { addAppPages, addManifestPage } from './app-pages.ts';
import { type Asset, avatarSvg } from './assets.ts';
import { checkPage } from './check-page.ts';
import { checkLines } from './checks-part.ts';
import { blobPage, commitsPage, placeOf, repositoryPage, treePage } from './code-pages.ts';
import { commitPage } from './commit-page.ts';
import { errorPage, signInPage } from './layout.ts';
import { pullList, repositoryList } from './list-pages.ts';
import { newPullPage } from './new-pull-page.ts';
import { addOAuthPages, addOAuthToken } from './oauth-pages.ts';
import { addPullActions } from './pull-actions.ts';
import { conversationPage } from './pull-conversation.ts';
import { checksPage, filesPage } from './pull-views.ts';
import { type PageEnv, requireViewer, signIn, signOut } from './session.ts';

const maxFormBytes = 512 * 1024;

/** What a browser gets: pages for people who signed in, and nothing for web pages of others. */
export function pageRoutes(host: Host, assets: ReadonlyMap<string, Asset>): Hono<PageEnv> {
  const pages = new Hono<PageEnv>();
  pages.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
      xFrameOptions: 'DENY',
      referrerPolicy: 'same-origin',
      crossOriginResourcePolicy: 'same-origin',
      crossOriginOpenerPolicy: 'same-origin',
      strictTransportSecurity: false,
    }),
  );
  pages.use(async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
  });
  pages.use(
    bodyLimit({
      maxSize: maxFormBytes,
      onError: () => {
        throw new Refusal(413, 'That is too much text');
      },
    }),
  );

  pages.get('/assets/:name', (c) => {
    const asset = assets.get(c.req.param('name'));
    if (asset === undefined) throw notFound();
    return c.body(asset.content, 200, { 'content-type': asset.type });
  });
  pages.get('/sign-in', (c) => {
    signIn(host, c, c.req.query('token') ?? '');
    return c.redirect('/', 303);
  });

  addManifestPage(pages, host);
  addOAuthToken(pages, host);
  pages.use(requireViewer(host));
  addAppPages(pages, host);
  addOAuthPages(pages, host);
  pages.post('/sign-out', (c) => {
    signOut(host, c);
    return c.html(errorPage({ status: 200, message: 'You are signed out' }));
  });
  pages.get('/avatars/:id', (c) => {
    const account = host.store.accounts.find(numberIn(c, 'id'));
    if (account === undefined) throw notFound();
    return c.body(avatarSvg(account.login, account.type), 200, { 'content-type': 'image/svg+xml' });
  });
  pages.get('/', (c) => c.html(repositoryList(host, c.get('viewer'))));

  const base = '/:owner/:repo';
  pages.get(base, async (c) => c.html(await repositoryPage(host, c.get('viewer'), repositoryIn(host, c))));
  const places = { tree: treePage, blob: blobPage, commits: commitsPage } as const;
  for (const kind of ['tree', 'blob', 'commits'] as const)
    pages.get(`${base}/${kind}/:place{.+}`, async (c) => {
      const repository = repositoryIn(host, c);
      const place = await placeOf(host, repository, c.req.param('place') ?? '');
      return c.html(await places[kind](host, c.get('viewer'), repository, place));
    });
  pages.get(`${base}/commit/:sha`, async (c) =>
    c.html(await commitPage(host, c.get('viewer'), repositoryIn(host, c), c.req.param('sha'))),
  );
  pages.get(`${base}/pulls`, (c) => {
    const state = c.req.query('state') === 'closed' ? 'closed' : 'open';
    return c.html(pullList(host, c.get('viewer'), repositoryIn(host, c), state));
  });
  pages.get(`${base}/compare/:branch{.+}`, async (c) =>
    c.html(await newPullPage(host, c.get('viewer'), repositoryIn(host, c), c.req.param('branch'))),
  );
  const views = { '': conversationPage, '/checks': checksPage, '/files': filesPage } as const;
  for (const view of ['', '/checks', '/files'] as const)
    pages.get(`${base}/pull/:number${view}`, async (c) => {
      const repository = repositoryIn(host, c);
      const pull = findPull(host, repository, numberIn(c, 'number'));
      return c.html(await views[view](host, c.get('viewer'), repository, pull));
    });
  pages.get(`${base}/runs/:id`, (c) => {
    const repository = repositoryIn(host, c);
    const run = host.store.checkRuns.find(numberIn(c, 'id'));
    if (run?.repositoryId !== repository.id) throw notFound();
    return c.html(checkPage(host, c.get('viewer'), repository, run));
  });
  pages.get(`${base}/details/:sha`, async (c) => {
    const repository = repositoryIn(host, c);
    const lines = checkLines(host, repository, c.req.param('sha'));
    const details = lines.find(({ name }) => name === c.req.query('of'))?.details;
    if (details === undefined) throw notFound();
    return c.redirect(await host.details.open(c.get('viewer').account.login, details), 302);
  });
  pages.get('/details', async (c) => {
    const to = c.req.query('to') ?? '';
    // Nobody is sent anywhere else from here.
    if (!host.details.holds(to)) throw notFound();
    return c.redirect(await host.details.open(c.get('viewer').account.login, to), 302);
  });
  addPullActions(pages, host);

  pages.notFound((c) => c.html(errorPage({ status: 404, message: 'There is nothing here' }), 404));
  pages.onError((error, c) => {
    if (!(error instanceof Refusal)) {
      host.log.error({ err: error, path: c.req.path }, 'a page of the Git host failed');
      return c.html(errorPage({ status: 500, message: 'Something went wrong here' }), 500);
    }
    const reasons = error.errors.map(({ field, message, code }) => message ?? `${field} is ${code}`);
    const message = reasons.length === 0 ? error.message : `${error.message}: ${reasons.join('; ')}`;
    if (error.status === 401) return c.html(signInPage(message), 401);
    const viewer = c.get('viewer');
    return c.html(errorPage({ status: error.status, message, ...(viewer ? { viewer } : {}) }), error.status);
  });
  return pages;
}
