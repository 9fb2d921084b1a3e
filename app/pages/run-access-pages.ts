import { html } from 'hono/html';
import { type Html, page } from './layout.ts';

/** The same for runs that are there and those that are not. */
export function runSignInPage(runId: string): Html {
  const id = /^[a-z0-9]{1,40}$/.test(runId) ? runId : '<run>';
  return page({
    title: 'Sign in to see runs',
    body: html`<div class="narrow">
      <h1>Sign in to see runs</h1>
      <p>Logs may tell what a repository keeps to itself, so they are shown to those who may read it alone.</p>
      <div class="box">
        <p>Who runs Slipway opens it with</p>
        <pre tabindex="0" role="region" aria-label="Command">slipway open ${id}</pre>
        <p class="soft">The link that it prints works once, and signs this browser in for an hour.</p>
      </div>
      <p>Everybody else finds the failing lines and their places in the check itself, and asks in the pull request with
        <code>/why</code> and <code>/status</code>.</p>
    </div>`,
  });
}

export function noSuchRunPage(): Html {
  return page({
    title: 'There is nothing here',
    body: html`<div class="narrow">
      <h1>There is nothing here</h1>
      <p>Either there is no such run, stage or attempt, or its repository is none that you may read.</p>
    </div>`,
  });
}

export function usedLinkPage(): Html {
  return page({
    title: 'This link is spent',
    body: html`<div class="narrow">
      <h1>This link is spent</h1>
      <p role="alert">It was used before or is too old.</p>
      <p>Go back to where it came from and open it again, or run <code>slipway open</code>.</p>
    </div>`,
  });
}

/** @param why what could not be done */
export function brokenPage(why: string, fix: string): Html {
  return page({
    title: 'This cannot be shown now',
    body: html`<div class="narrow">
      <h1>This cannot be shown now</h1>
      <p role="alert">${why}</p>
      <p>${fix}</p>
    </div>`,
  });
}
