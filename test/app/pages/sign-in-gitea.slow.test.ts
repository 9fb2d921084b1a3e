import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { installedOnGitea } from '../../../app/embedded/installed-gitea.ts';
import { signInAddress } from '../../../app/pages/sign-in-routes.ts';
import { oauthHost } from '../../../providers/gitea/oauth-host.ts';
import { oauthSignIn } from '../../../providers/oauth.ts';
import { type GiteaPerson, type RealGitea, realGitea, withoutGitea } from '../../providers/gitea/real-gitea.ts';
import { FormBrowser, field, unescaped } from '../form-browser.ts';
import { type InstalledSlipway, startInstalledOn } from '../installed-slipway.ts';

const password = 'password-for-tests';
const Application = z.object({ client_id: z.string(), client_secret: z.string() });

describe.skipIf(withoutGitea !== undefined)(`signing in with Gitea (${withoutGitea ?? 'a real one'})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-gitea-sign-in-'));
  let gitea: RealGitea;
  let world: Pick<InstalledSlipway, 'url' | 'slipway' | 'copy' | 'stop' | 'tour'>;
  let page: string;

  beforeAll(async () => {
    gitea = await realGitea();
    const people = Object.entries({ ADMIN: gitea.admin, BOT: gitea.bot, DEV: gitea.dev, OUTSIDER: gitea.outsider });
    const variables = people.flatMap(([role, { login, token }]) => [
      [`GITEA_${role}_USER`, login],
      [`GITEA_${role}_TOKEN`, token],
    ]);
    const installed = await installedOnGitea({ GITEA_URL: gitea.url, ...Object.fromEntries(variables) }, folder);
    world = await startInstalledOn(installed, folder, async (setup, { url }) => {
      const asked = { name: 'Slipway', redirect_uris: [signInAddress(url, 'gitea')], confidential_client: true };
      const made = await gitea.ask(gitea.bot, Application, 'POST', '/user/applications/oauth2', asked);
      const client = { clientId: made.client_id, clientSecret: made.client_secret };
      return { ...setup, signIn: oauthSignIn(oauthHost(gitea.url), client) };
    });
    const { owner } = world.tour;
    await gitea.ask(gitea.bot, z.unknown(), 'PATCH', `/repos/${owner}/hello`, { private: true });
    const run = new Promise<string>((resolve) => {
      world.slipway.loop.onChange(({ run: { runId } }) => resolve(runId));
    });
    await world.copy.push('main', { '.slipway.yaml': 'stages:\n  test:\n    commands: ["true"]\n' }, 'Begin');
    page = `/runs/${await run}`;
  }, 120_000);
  afterAll(async () => {
    await world.stop();
    await gitea.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }, 60_000);

  /** Signs in at Gitea by its own form, and agrees there. @returns where Gitea sends the browser */
  async function agreed(browser: FormBrowser, person: GiteaPerson): Promise<string> {
    const form = await browser.open(`${gitea.url}/user/login`);
    const csrf = field(form.text, '_csrf');
    const asGitea = { user_name: person.login, password, ...(csrf === '' ? {} : { _csrf: csrf }) };
    expect((await browser.open(`${gitea.url}/user/login`, asGitea)).status).toBe(303);
    const asked = await browser.open(world.url + page);
    const button = /href="([^"]+)">Sign in with Gitea</.exec(asked.text)?.[1] ?? '';
    const begun = await browser.open(world.url + unescaped(button));
    const consent = await browser.open(begun.location);
    // It remembers who agreed before.
    if (consent.location !== '') return consent.location;
    const names = [...consent.text.matchAll(/<input type="hidden" name="([^"]+)"/g)].map(([, name = '']) => name);
    const grant = Object.fromEntries(names.map((name) => [name, field(consent.text, name)]));
    return (await browser.open(`${gitea.url}/login/oauth/grant`, { ...grant, granted: 'true' })).location;
  }

  it('signs people in by its own account, shows what they may read, and takes an answer once', async () => {
    const browser = new FormBrowser();
    const back = await agreed(browser, gitea.dev);
    expect(back).toContain(`${world.url}/sign-in/gitea/done?`);
    expect((await new FormBrowser().open(back)).status).toBe(403);
    expect(await browser.open(back)).toMatchObject({ status: 303, location: page });
    expect((await browser.open(world.url + page)).status).toBe(200);
    expect((await browser.open(back)).status).toBe(403);
    const stranger = new FormBrowser();
    expect(await stranger.open(await agreed(stranger, gitea.outsider))).toMatchObject({ status: 303, location: page });
    expect((await stranger.open(world.url + page)).status).toBe(404);
  });

  it('is refused by Gitea where another verifier comes with the code, so PKCE is looked at', async () => {
    const browser = new FormBrowser();
    const back = new URL(await agreed(browser, gitea.dev));
    const victim = new FormBrowser();
    const begun = await victim.open(`${world.url}/sign-in/gitea`);
    back.searchParams.set('state', new URL(begun.location).searchParams.get('state') ?? '');
    expect((await victim.open(back.href)).status).toBe(403);
    expect((await victim.open(world.url + page)).status).toBe(401);
  });
});
