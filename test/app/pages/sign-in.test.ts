import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedGitHost } from '../../../app/embedded/git-host/git-host.ts';
import { signInAddress } from '../../../app/pages/sign-in-routes.ts';
import { oauthHost as bitbucket } from '../../../providers/bitbucket/oauth-host.ts';
import { oauthHost as gitHub } from '../../../providers/github/oauth-host.ts';
import { oauthHost as gitLab } from '../../../providers/gitlab/oauth-host.ts';
import { type OAuthHost, oauthSignIn } from '../../../providers/oauth.ts';
import { FormBrowser, field, unescaped } from '../form-browser.ts';
import { type InstalledSlipway, startInstalled } from '../installed-slipway.ts';

const faces = [
  ['github', 'GitHub', ({ apiUrl }: EmbeddedGitHost): OAuthHost => gitHub(apiUrl)],
  ['gitlab', 'GitLab', ({ url }: EmbeddedGitHost): OAuthHost => gitLab(url)],
  ['bitbucket', 'Bitbucket', (host: EmbeddedGitHost): OAuthHost => bitbucket(host)],
] as const;

describe.each(faces)('%s', (face, name, hostOf) => {
  let folder: string;
  let world: InstalledSlipway;
  let page: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-sign-in-'));
    world = await startInstalled(face, folder, (setup, { host, url }) => {
      const client = host.registerOAuthApp({ name: 'Slipway', redirectUrls: [signInAddress(url, face)] });
      return { ...setup, signIn: oauthSignIn(hostOf(host), client) };
    });
    const run = new Promise<string>((resolve) => {
      world.slipway.loop.onChange(({ run: { runId } }) => resolve(runId));
    });
    await world.copy.push('main', { '.slipway.yaml': 'stages:\n  test:\n    commands: ["true"]\n' }, 'Begin');
    page = `/runs/${await run}`;
  }, 60_000);
  afterAll(async () => {
    await world.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  /** A browser of somebody whom the host knows. */
  async function browserOf(login: string): Promise<FormBrowser> {
    const browser = new FormBrowser();
    await browser.open(world.host.signInLink(login));
    return browser;
  }

  /** Goes to the host by the button. @returns where the host wants to be asked */
  async function leave(browser: FormBrowser, from = page): Promise<string> {
    const asked = await browser.open(world.url + from);
    expect(asked.status).toBe(401);
    const [, button = ''] = new RegExp(`href="([^"]+)">Sign in with ${name}<`).exec(asked.text) ?? [];
    const begun = await browser.open(world.url + unescaped(button));
    expect(begun.setCookie).toMatch(/HttpOnly; SameSite=Lax/);
    return begun.location;
  }

  /** Agrees at the host, or not. @returns where the host sends the browser then */
  async function answer(browser: FormBrowser, asked: string, how: 'yes' | 'no' = 'yes'): Promise<string> {
    const { text } = await browser.open(asked);
    const names = [...text.matchAll(/<input type="hidden" name="([^"]+)"/g)].map(([, each = '']) => each);
    const form = Object.fromEntries(names.map((each) => [each, field(text, each)]));
    const done = await browser.open(asked.split('?')[0] ?? '', { ...form, answer: how });
    return unescaped(/id="onward" href="([^"]+)"/.exec(done.text)?.[1] ?? '');
  }

  const statusOf = async (browser: FormBrowser) => (await browser.open(world.url + page)).status;

  it('signs people in by their account, back to the page that they opened, and shows what they may read', async () => {
    const browser = await browserOf('rev');
    const back = await answer(browser, await leave(browser));
    expect(back).toContain(`${world.url}/sign-in/${face}/done?`);
    const signedIn = await browser.open(back);
    expect([signedIn.status, signedIn.location]).toEqual([303, page]);
    expect(signedIn.setCookie).toMatch(/=ey[^;]+; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax/);
    expect(await statusOf(browser)).toBe(200);
    const guest = await browserOf('guest');
    await guest.open(await answer(guest, await leave(guest)));
    // Everybody may read a public repository of GitHub; the others tell of members alone.
    expect(await statusOf(guest)).toBe(face === 'github' ? 200 : 404);
    expect((await guest.open(`${world.url}/setup`)).status).toBe(401);
  });

  it('signs no browser in by the way that another one began, or whose answer was seen', async () => {
    const mallory = await browserOf('guest');
    const back = await answer(mallory, await leave(mallory));
    const victim = new FormBrowser();
    expect((await victim.open(back)).status).toBe(403);
    // Nor does it help to have begun one's own: another state, and another verifier, belong to it.
    await leave(victim);
    expect((await victim.open(back)).status).toBe(403);
    const mixed = new URL(back);
    mixed.searchParams.set('state', new URL(await leave(victim)).searchParams.get('state') ?? '');
    const sent = await victim.open(mixed.href);
    // Bitbucket knows no PKCE: there the code alone counts, which came to nobody but Mallory.
    expect(sent.status).toBe(face === 'bitbucket' ? 303 : 403);
    if (face !== 'bitbucket') expect(await statusOf(victim)).toBe(401);
  });

  it('takes an answer once', async () => {
    const browser = await browserOf('rev');
    const asked = await leave(browser);
    const cookies = browser.copy();
    const back = await answer(browser, asked);
    expect((await browser.open(back)).status).toBe(303);
    expect((await browser.open(back)).status).toBe(403);
    // With the cookie put back, too.
    expect((await cookies.open(back)).status).toBe(409);
    expect(await statusOf(cookies)).toBe(401);
  });

  it.each([
    'https://evil.example/',
    '//evil.example/runs',
    '/\\evil.example',
    '/runs/../setup',
    '/runs/%2e%2E/setup',
    '/runs?to=//evil.example',
    '/setup',
    '/runs//evil.example',
    'javascript:alert(1)',
  ])('leads from the host to pages of runs alone, not to %s', async (to) => {
    const browser = await browserOf('rev');
    const { location } = await browser.open(`${world.url}/sign-in/${face}?${new URLSearchParams({ to })}`);
    expect(new URL(location).origin).toBe(world.host.url);
    expect(new URL(location).searchParams.get('redirect_uri')).toBe(`${world.url}/sign-in/${face}/done`);
    const signedIn = await browser.open(await answer(browser, location));
    expect([signedIn.status, signedIn.location]).toEqual([303, '/runs']);
  });

  it('keeps no session that the browser brought, and signs nobody in who does not agree', async () => {
    const browser = await browserOf('rev');
    const first = await browser.open(await answer(browser, await leave(browser)));
    const again = await browser.open(`${world.url}/sign-in/${face}`);
    const second = await browser.open(await answer(browser, again.location));
    const sessionIn = (line: string) => /=(ey[^;]+)/.exec(line)?.[1];
    expect(sessionIn(second.setCookie)).not.toBe(sessionIn(first.setCookie));
    const other = await browserOf('rev');
    const refused = await other.open(await answer(other, await leave(other), 'no'));
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('access_denied');
    expect(await statusOf(other)).toBe(401);
  });

  it('says who has to mend it when the host does not know the secret any more', async () => {
    const clientId = new URL(await leave(new FormBrowser())).searchParams.get('client_id') ?? '';
    world.host.registerOAuthApp({ clientId, name: 'Slipway', redirectUrls: [signInAddress(world.url, face)] });
    const browser = await browserOf('rev');
    const refused = await browser.open(await answer(browser, await leave(browser)));
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('whoever runs Slipway looks whether');
    expect(await statusOf(browser)).toBe(401);
  });
});
