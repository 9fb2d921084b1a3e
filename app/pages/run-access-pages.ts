import { html } from 'hono/html';
import { type Html, page } from './layout.ts';

/** A host whose people may sign in. */
export interface SignInChoice {
  readonly provider: string;
  /** Its name, for people. */
  readonly name: string;
}

/**
 * The same for runs that are there and those that are not.
 * @param to the page that is opened then
 */
export function runSignInPage(runId: string, to: string, choices: readonly SignInChoice[]): Html {
  const id = /^[a-z0-9]{1,40}$/.test(runId) ? runId : '<run>';
  return page({
    title: 'Sign in to see runs',
    body: html`<div class="narrow">
      <h1>Sign in to see runs</h1>
      <p>Logs may tell what a repository keeps to itself, so they are shown to those who may read it alone.</p>
      ${
        choices.length === 0
          ? ''
          : html`<div class="box">
              ${choices.map(
                ({ provider, name }) =>
                  html`<p><a class="button" href="/sign-in/${provider}?${new URLSearchParams({ to }).toString()}">Sign in with ${name}</a></p>`,
              )}
              <p class="soft">Slipway learns who you are there, and nothing else. It signs this browser in for an hour.</p>
            </div>`
      }
      <div class="box">
        <p>Who runs Slipway opens it with</p>
        <pre tabindex="0" role="region" aria-label="Command">slipway open ${id}</pre>
        <p class="soft">The link that it prints works once, and signs this browser in for an hour.</p>
      </div>
      <p>${choices.length === 0 ? 'Everybody else finds' : 'Without signing in you find'} the failing lines and their places in
        the check itself, and ask in the pull request with <code>/why</code> and <code>/status</code>.</p>
    </div>`,
  });
}

/** @param why the host or Slipway did not sign somebody in */
export function noSignInPage(why: string, fix = 'Go back to where you came from, and sign in again'): Html {
  return page({
    title: 'Nobody was signed in',
    body: html`<div class="narrow">
      <h1>Nobody was signed in</h1>
      <p role="alert">${why}.</p>
      <p>${fix}.</p>
      <p><a href="/runs">To the runs</a></p>
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
