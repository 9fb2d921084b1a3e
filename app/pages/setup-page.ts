import { html } from 'hono/html';
import { type Html, page } from './layout.ts';

/** What the page knows of GitHub. */
export type GitHubState =
  | { readonly from: 'environment' }
  | { readonly from: 'stored'; readonly url: string; readonly setUpAt: Date }
  | undefined;

export function signInPage(problem?: string): Html {
  return page({
    title: 'Set up Slipway',
    body: html`<div class="narrow">
      <h1>Set up Slipway</h1>
      <p>This page gives Slipway rights at a Git host, so it is for whoever runs Slipway.
        <code>slipway setup</code>, run there, prints a link that opens it. Or sign in with the API token:</p>
      ${problem === undefined ? '' : html`<p class="bad" role="alert">${problem}</p>`}
      <form method="post" action="/setup/sign-in" class="box">
        <label for="token">API token</label>
        <input id="token" name="token" type="password" autocomplete="off" required maxlength="400" />
        <p class="soft">The value of <code>SLIPWAY_API_TOKEN</code>, or what stands in <code>api-token</code> in the data folder.</p>
        <button>Sign in</button>
      </form>
    </div>`,
  });
}

/** One click to the host's own page, with everything filled in. */
export function setupPage(facts: {
  readonly github: GitHubState;
  /** Why nothing can be set up now, if so. */
  readonly hindrance: string | undefined;
  readonly place: { readonly url: string; readonly organization?: string };
  readonly form: { readonly action: string; readonly manifest: string };
  readonly warning: string | undefined;
  readonly permissions: readonly (readonly [string, string])[];
}): Html {
  const { github, place, form } = facts;
  const host = new URL(place.url).host;
  const owner = place.organization ?? 'your own account';
  const again = github?.from === 'stored';
  return page({
    title: 'Set up Slipway',
    body: html`<div class="narrow">
      <h1>Connect Slipway to GitHub</h1>
      ${stateLine(github)}
      ${facts.hindrance === undefined ? '' : html`<p class="box bad" role="alert">${facts.hindrance}</p>`}
      ${
        facts.hindrance !== undefined || github?.from === 'environment'
          ? ''
          : html`<form method="post" action="${form.action}" class="box">
              <input type="hidden" name="manifest" value="${form.manifest}" />
              <p>GitHub registers Slipway as an App of <strong>${owner}</strong> on <strong>${host}</strong>, tells Slipway
                its key and webhook secret, and then asks you which repositories it may work in.</p>
              ${facts.warning === undefined ? '' : html`<p class="busy" role="alert">${facts.warning}</p>`}
              <button${again ? html` class="quiet"` : ''}>${again ? 'Register another App in its place' : 'Create the GitHub App'}</button>
            </form>
            <form method="get" action="/setup" class="box">
              <label for="organization">Organisation that owns the App</label>
              <input id="organization" name="organization" value="${place.organization ?? ''}" maxlength="39" autocomplete="off" />
              <label for="url">GitHub Enterprise Server</label>
              <input id="url" name="url" type="url" value="${place.url}" maxlength="300" />
              <button class="quiet">Change</button>
            </form>
            <h2>What it may do</h2>
            <ul>${facts.permissions.map(([name, level]) => html`<li><code>${name}</code>: ${level}</li>`)}</ul>`
      }
    </div>`,
  });
}

function stateLine(github: GitHubState): Html | string {
  if (github === undefined) return '';
  if (github.from === 'environment')
    return html`<p class="box">GitHub is set up by environment variables (<code>GITHUB_APP_ID</code> and its companions).
      They win over what this page stores: take them away first to set it up here.</p>`;
  return html`<p class="box"><span class="good">✓</span> GitHub is set up: ${new URL(github.url).host}, since
    ${github.setUpAt.toISOString().slice(0, 10)}. <code>slipway doctor</code> says how it does.</p>`;
}

export function donePage(): Html {
  return page({
    title: 'Slipway is installed',
    body: html`<div class="narrow">
      <h1>Slipway is installed</h1>
      <p>Push a commit, or open a pull request: the first check shows within seconds. A repository without a pipeline file
        gets one that fits what is in it.</p>
      <p class="soft"><code>slipway doctor</code> says for each installation what works and what is missing.</p>
    </div>`,
  });
}

export function problemPage(facts: { readonly title: string; readonly why: string; readonly fix: string }): Html {
  return page({
    title: facts.title,
    body: html`<div class="narrow">
      <h1>${facts.title}</h1>
      <p role="alert">${facts.why}</p>
      <p>${facts.fix}</p>
      <p><a href="/setup">Back to the setup</a></p>
    </div>`,
  });
}
