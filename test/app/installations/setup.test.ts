import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { defaultSlots, embeddedConfig, openCluster } from '../../../app/embedded/embedded-slipway.ts';
import { type EmbeddedGitHost, startEmbeddedGitHost } from '../../../app/embedded/git-host/git-host.ts';
import { WorkingCopy } from '../../../app/embedded/working-copy.ts';
import { type Slipway, startSlipway } from '../../../app/main.ts';
import { FormBrowser, field, unescaped } from '../form-browser.ts';

let folder: string;
let host: EmbeddedGitHost;
let slipway: Slipway;
let apiToken: string;
let stop: () => Promise<void>;
const lines: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-setup-'));
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const cluster = await openCluster(folder, log);
  host = await startEmbeddedGitHost({ dataDir: join(folder, 'git-host'), log });
  host.createUser('dev');
  host.createUser('mallory');
  host.createOrganization('acme', { admins: ['dev'] });
  const config = await embeddedConfig({ dataDir: folder, cluster, port: 0, slots: defaultSlots });
  apiToken = config.apiToken;
  slipway = await startSlipway(config, log);
  stop = async () => {
    await slipway.stop();
    await host.stop();
    await cluster.stop({ pods: 'end', graceSeconds: 1 });
    rmSync(folder, { recursive: true, force: true });
  };
}, 60_000);
afterAll(() => stop());

async function setupLink(body: object): Promise<string> {
  const response = await fetch(`${slipway.url}/api/setup-link`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return z.object({ link: z.string() }).parse(await response.json()).link;
}

/** The setup page in a browser that may see it. */
async function openSetup(browser: FormBrowser, place: object): Promise<string> {
  const signedIn = await browser.open(await setupLink(place));
  expect(signedIn.status).toBe(303);
  const page = await browser.open(new URL(signedIn.location, slipway.url).href);
  expect(page.status).toBe(200);
  return page.text;
}

it('shows strangers nothing but a way to sign in, and takes no wrong token', async () => {
  const stranger = new FormBrowser();
  const page = await stranger.open(`${slipway.url}/setup`);
  expect(page.status).toBe(401);
  expect(page.text).toContain('API token');
  expect(page.text).not.toContain('manifest');
  expect((await stranger.open(`${slipway.url}/setup/sign-in`, { token: 'x'.repeat(43) })).status).toBe(401);
  expect((await stranger.open(`${slipway.url}/setup/sign-in?token=forged`)).status).toBe(401);
  expect((await stranger.open(`${slipway.url}/setup/github/created?code=a&state=b`)).status).toBe(401);
});

it('opens with a link once, or with the API token', async () => {
  const link = await setupLink({});
  expect((await new FormBrowser().open(link)).status).toBe(303);
  expect((await new FormBrowser().open(link)).status).toBe(401);
  const browser = new FormBrowser();
  expect((await browser.open(`${slipway.url}/setup/sign-in`, { token: apiToken })).status).toBe(303);
  expect((await browser.open(`${slipway.url}/setup`)).status).toBe(200);
});

it.each(['http://internal.example', 'file:///etc/passwd', 'https://', 'http://169.254.169.254', 'javascript:alert(1)'])(
  'does not go to %s',
  async (url) => {
    const browser = new FormBrowser();
    await openSetup(browser, {});
    expect((await browser.open(`${slipway.url}/setup?${new URLSearchParams({ url })}`)).status).toBe(400);
  },
);

it('registers the App with one click, takes it into use without a restart, and runs the first push', async () => {
  const browser = new FormBrowser();
  const setup = await openSetup(browser, { organization: 'acme', url: host.url });
  const action = unescaped(/action="(http[^"]+)"/.exec(setup)?.[1] ?? '');
  expect(action).toContain(`${host.url}/organizations/acme/settings/apps/new?state=`);

  await browser.open(host.signInLink('dev'));
  const confirm = await browser.open(action, { manifest: field(setup, 'manifest') });
  expect(confirm.text).toContain('Create GitHub App for acme');
  const names = ['csrf', 'manifest', 'state', 'owner'] as const;
  const form = Object.fromEntries(names.map((name) => [name, field(confirm.text, name)]));
  const made = await browser.open(`${host.url}/settings/apps`, form);
  const back = unescaped(/id="onward" href="([^"]+)"/.exec(made.text)?.[1] ?? '');
  expect(back).toContain(`${slipway.url}/setup/github/created?code=`);

  // Somebody else's browser, signed in too, has nothing to do with this answer.
  const other = new FormBrowser();
  await openSetup(other, {});
  expect((await other.open(back)).status).toBe(403);
  const forged = new URL(back);
  forged.searchParams.set('state', `${back.slice(-20)}x`);
  expect((await browser.open(forged.href)).status).toBe(403);

  const taken = await browser.open(back);
  expect(taken.status).toBe(303);
  expect(taken.location).toBe(`${host.url}/github-apps/slipway-acme/installations/new`);
  expect((await browser.open(back)).status).toBe(409);

  const { cloneUrl } = await host.createRepository('acme', 'web');
  const install = await browser.open(taken.location);
  const done = await browser.open(`${host.url}/github-apps/slipway-acme/installations`, {
    csrf: field(install.text, 'csrf'),
    account: 'acme',
  });
  expect(done.text).toContain('/setup/github/installed?installation_id=');

  const copy = await WorkingCopy.create(join(folder, 'copy'), {
    url: cloneUrl,
    login: 'dev',
    token: host.createToken('dev'),
    email: 'dev@example.com',
  });
  const running = started();
  await copy.push(
    'main',
    { '.slipway.yaml': 'on:\n  push: {}\nstages:\n  hold:\n    image: node:24\n    commands: [sleep 600]\n' },
    'first',
  );
  expect(await running).toMatchObject({ owner: 'acme', name: 'web' });
}, 60_000);

it('signs people in by the App that it registered', async () => {
  const browser = new FormBrowser();
  await browser.open(host.signInLink('dev'));
  const { location } = await browser.open(`${slipway.url}/sign-in/github`);
  const { text } = await browser.open(location);
  expect(text).toContain('Authorize Slipway acme');
  const names = [...text.matchAll(/<input type="hidden" name="([^"]+)"/g)].map(([, name = '']) => name);
  const form = Object.fromEntries(names.map((name) => [name, field(text, name)]));
  const agreed = await browser.open(`${host.url}/login/oauth/authorize`, { ...form, answer: 'yes' });
  const back = unescaped(/id="onward" href="([^"]+)"/.exec(agreed.text)?.[1] ?? '');
  expect(await browser.open(back)).toMatchObject({ status: 303, location: '/runs' });
  expect((await browser.open(`${slipway.url}/runs`)).text).toContain('acme/web');
});

it('cancels what runs when the installation is suspended, with that reason, and starts nothing there', async () => {
  host.changeInstallation('slipway-acme', 'acme', 'suspend');
  await host.webhooksSent();
  await slipway.inbox.idle();
  const cancelled = await ended();
  expect(cancelled).toContain('the installation on acme was suspended by acme');
}, 60_000);

it('leaves no secret in its log, nor readable in its folder', () => {
  const pem = readFileSync(join(folder, 'git-host', 'keys', 'slipway-acme.pem'), 'utf8');
  const secret = pem.split('\n')[3] ?? '';
  expect(secret.length).toBeGreaterThan(40);
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { name } of files) expect(readFileSync(join(folder, name)).includes(secret), name).toBe(false);
  expect(lines.join('')).not.toContain(secret);
  expect(lines.join('')).not.toContain(apiToken);
});

it('says that nothing was set up when the other side answers without an end, elsewhere, or nonsense', async () => {
  const answers = {
    endless: () => ({ status: 201, body: 'x'.repeat(2_000_000), location: undefined }),
    elsewhere: () => ({ status: 302, body: '', location: `${slipway.url}/healthz` }),
    nonsense: () => ({ status: 201, body: '{"id":"1"}', location: undefined }),
  };
  let answer: () => { status: number; body: string; location: string | undefined } = answers.nonsense;
  const evil = createServer((_request, response) => {
    const { status, body, location } = answer();
    response.writeHead(status, location === undefined ? {} : { location }).end(body);
  });
  await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
  const { port } = evil.address() as AddressInfo;
  try {
    for (const each of Object.values(answers)) {
      answer = each;
      const browser = new FormBrowser();
      const setup = await openSetup(browser, { url: `http://127.0.0.1:${port}` });
      const state = new URL(unescaped(/action="(http[^"]+)"/.exec(setup)?.[1] ?? '')).searchParams.get('state') ?? '';
      const query = new URLSearchParams({ code: 'thecode123', state });
      const page = await browser.open(`${slipway.url}/setup/github/created?${query}`);
      expect(page.status).toBe(502);
      expect(page.text).toContain('Nothing was set up');
      expect(page.text).not.toContain('thecode123');
    }
    expect(lines.join('')).not.toContain('thecode123');
  } finally {
    evil.closeAllConnections();
    evil.close();
  }
});

function api(path: string): Promise<Response> {
  return fetch(`${slipway.url}/api${path}`, { headers: { authorization: `Bearer ${apiToken}` } });
}

async function started(): Promise<{ readonly owner: string; readonly name: string } | undefined> {
  return new Promise((resolve) => {
    slipway.loop.onChange(({ run }) => {
      if (run.stages['hold']?.status === 'running') resolve(run.repository);
    });
  });
}

/** The newest run's history once it has ended. */
async function ended(): Promise<string> {
  for (;;) {
    const [run] = z
      .array(z.object({ runId: z.string(), hasEnded: z.boolean() }))
      .parse(await (await api('/runs')).json());
    if (run?.hasEnded === true) return (await api(`/runs/${run.runId}/events`)).text();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
