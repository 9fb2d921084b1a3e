import type { Hono } from 'hono';
import { html } from 'hono/html';
import { z } from 'zod';
import { issueCode, redeemCode } from '../domain/oauth-apps.ts';
import type { OAuthApp } from '../entities.ts';
import type { FaceName } from '../face.ts';
import type { Host } from '../host.ts';
import { Refusal } from '../refusal.ts';
import { onward } from './app-pages.ts';
import { csrfField, page } from './layout.ts';
import type { PageEnv } from './session.ts';

/** Where each host has it, and what it does its own way. */
const places: Readonly<
  Record<
    FaceName,
    {
      readonly authorize: string;
      readonly token: string;
      readonly clientAuthentication: 'basic' | 'post';
      readonly pkce: boolean;
      /** What it calls itself in its answer, where it does. */
      readonly issuer?: string;
      /** GitHub answers 200 to what it refuses, and has names of its own for two refusals. */
      readonly refusalStatus: 200 | 400;
      readonly words: Readonly<Record<string, string>>;
    }
  >
> = {
  github: {
    authorize: '/login/oauth/authorize',
    token: '/login/oauth/access_token',
    clientAuthentication: 'post',
    pkce: true,
    issuer: '/login/oauth',
    refusalStatus: 200,
    words: { invalid_grant: 'bad_verification_code', invalid_client: 'incorrect_client_credentials' },
  },
  gitlab: {
    authorize: '/oauth/authorize',
    token: '/oauth/token',
    clientAuthentication: 'post',
    pkce: true,
    refusalStatus: 400,
    words: {},
  },
  bitbucket: {
    authorize: '/site/oauth2/authorize',
    token: '/site/oauth2/access_token',
    clientAuthentication: 'basic',
    pkce: false,
    refusalStatus: 400,
    words: {},
  },
};

const asked = z.object({
  response_type: z.literal('code').default('code'),
  client_id: z.string(),
  redirect_uri: z.string(),
  state: z.string().max(1_000).default(''),
  scope: z.string().max(200).default(''),
  code_challenge: z.string().max(200).optional(),
});

/** Programs trade codes here: no session, no form of ours. */
export function addOAuthToken(pages: Hono<PageEnv>, host: Host): void {
  const { token: path, clientAuthentication, refusalStatus, words } = places[host.face.name];
  pages.post(path, async (c) => {
    const form = z.record(z.string(), z.string()).parse(await c.req.parseBody());
    const [clientId = '', clientSecret = ''] =
      clientAuthentication === 'basic'
        ? basicIn(c.req.header('authorization'))
        : [form['client_id'], form['client_secret']];
    const { code = '', redirect_uri: redirectUrl = '', code_verifier: verifier = '' } = form;
    const redeemed = redeemCode(host, { clientId, clientSecret, code, redirectUrl, verifier });
    if ('error' in redeemed) return c.json({ error: words[redeemed.error] ?? redeemed.error }, refusalStatus);
    const { token, scopes } = redeemed;
    return c.json({ access_token: token, token_type: 'bearer', scope: scopes.join(' '), expires_in: 7_200 });
  });
}

/** What another site asks a person: shown to them, and nothing is granted until they press the button. */
export function addOAuthPages(pages: Hono<PageEnv>, host: Host): void {
  const { authorize: path, pkce, issuer } = places[host.face.name];
  const appIn = (clientId: string, redirectUrl: string): OAuthApp => {
    const app = host.store.oauthApps.findByKey(clientId);
    // Nobody is sent to an address that was not registered.
    if (!app?.redirectUrls.includes(redirectUrl))
      throw new Refusal(400, 'The redirect address is none of this application');
    return app;
  };
  pages.get(path, (c) => {
    const { client_id: clientId, redirect_uri: redirectUrl, ...more } = asked.parse(c.req.query());
    const app = appIn(clientId, redirectUrl);
    const viewer = c.get('viewer');
    const hidden = Object.entries({ client_id: clientId, redirect_uri: redirectUrl, ...more });
    return c.html(
      page({
        title: `Authorize ${app.name}`,
        viewer,
        body: html`<h1 class="page">Authorize ${app.name}</h1>
          <form method="post" action="${path}" class="box note">
            ${csrfField(viewer)}
            ${hidden.map(([name, value]) => (value === undefined ? '' : html`<input type="hidden" name="${name}" value="${value}" />`))}
            <p>It asks who you are, ${viewer.account.login}, and sends you back to ${new URL(redirectUrl).host}.</p>
            <p><button class="primary" name="answer" value="yes">Authorize</button>
              <button name="answer" value="no">Cancel</button></p>
          </form>`,
      }),
    );
  });
  pages.post(path, async (c) => {
    const form = await c.req.parseBody();
    const { client_id: clientId, redirect_uri: redirectUrl, state, scope, code_challenge } = asked.parse(form);
    const app = appIn(clientId, redirectUrl);
    const viewer = c.get('viewer');
    const back = new URL(redirectUrl);
    if (form['answer'] === 'yes') {
      const scopes = scope === '' ? [] : scope.split(' ');
      const challenge = pkce && code_challenge !== undefined ? { challenge: code_challenge } : {};
      back.searchParams.set('code', issueCode(host, app, viewer.account, { redirectUrl, scopes, ...challenge }));
    } else back.searchParams.set('error', 'access_denied');
    back.searchParams.set('state', state);
    if (issuer !== undefined) back.searchParams.set('iss', `${host.url}${issuer}`);
    return c.html(onward(viewer, `Back to ${app.name}`, back.href));
  });
}

function basicIn(authorization = ''): readonly string[] {
  const [, encoded = ''] = /^basic (.+)$/i.exec(authorization) ?? [];
  return Buffer.from(encoded, 'base64').toString().split(':').map(decodeURIComponent);
}
