import { html } from 'hono/html';
import type { Repository } from '../entities.ts';
import { fullNameOf, type Host } from '../host.ts';
import type { Viewer } from './session.ts';
import { capital, type Html } from './words.ts';

/** A whole page. */
export function page(facts: {
  readonly title: string;
  readonly viewer?: Viewer;
  readonly head?: Html;
  readonly body: Html;
}): Html {
  const { title, viewer } = facts;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="stylesheet" href="/assets/base.css" />
        <link rel="stylesheet" href="/assets/style.css" />
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        <script src="/assets/live.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="top">
          <div class="wide">
            <a class="home" href="/"><img src="/assets/icon.svg" alt="" width="22" height="22" />Git host</a>
            ${viewer === undefined ? '' : whoAmI(viewer)}
          </div>
        </header>
        ${facts.head ?? ''}
        <main id="main" class="wide">${facts.body}</main>
        <footer class="wide">Slipway’s embedded Git host: on this machine alone.</footer>
      </body>
    </html>`;
}

function whoAmI(viewer: Viewer): Html {
  return html`<form method="post" action="/sign-out" class="who">
    ${avatar(viewer.account.id)}<span>${viewer.account.login}</span>${csrfField(viewer)}
    <button class="quiet">Sign out</button>
  </form>`;
}

export function csrfField(viewer: Viewer): Html {
  return html`<input type="hidden" name="csrf" value="${viewer.csrfToken}" />`;
}

export function avatar(accountId: number): Html {
  return html`<img class="avatar" src="/avatars/${accountId}" alt="" width="24" height="24" />`;
}

/** What stands above each page of a repository. */
export function repositoryHead(host: Host, repository: Repository, current: 'code' | 'pulls'): Html {
  const fullName = fullNameOf(host, repository);
  const [owner = '', name = ''] = fullName.split('/');
  const open = host.store.pulls.list(repository.id).filter(({ state }) => state === 'open').length;
  const at = (tab: 'code' | 'pulls') => (tab === current ? html` aria-current="page"` : '');
  return html`<section class="under" aria-label="Repository">
    <div class="wide">
      <p class="crumbs">
        <a href="/">${owner}</a> <span aria-hidden="true">/</span> <a href="/${fullName}"><strong>${name}</strong></a>
        <span class="pill">${repository.private ? 'Private' : 'Public'}</span>
        ${host.face.name === 'github' ? '' : html`<span class="pill">behaves like ${host.face.pages.name}</span>`}
      </p>
      <nav class="tabs" aria-label="Parts of the repository">
        <a href="/${fullName}"${at('code')}>Code</a>
        <a href="/${fullName}/pulls"${at('pulls')}>${capital(host.face.pages.pull)}s <span class="number">${open}</span></a>
      </nav>
    </div>
  </section>`;
}

/** What strangers see: nobody signs in by a password here. */
export function signInPage(message: string): Html {
  return page({
    title: 'Sign in',
    body: html`<div class="blank">
      <h1>Sign in</h1>
      <p>${message}</p>
      <p class="meta">The link works once, within an hour; <code>slipway start</code> prints a new one each time it starts.</p>
    </div>`,
  });
}

export function errorPage(facts: {
  readonly status: number;
  readonly message: string;
  readonly viewer?: Viewer;
}): Html {
  return page({
    title: `${facts.status} ${facts.message}`,
    ...(facts.viewer === undefined ? {} : { viewer: facts.viewer }),
    body: html`<div class="blank">
      <p class="big">${facts.status}</p>
      <h1>${facts.message}</h1>
      <p><a href="/">All repositories</a></p>
    </div>`,
  });
}
