import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Run } from '../../../engine/core/run.ts';
import { startWhole, type WholeSlipway } from '../whole-slipway.ts';

const pipeline = `stages:
  "unit (1/2)":
    image: node:24
    commands:
      - printf '<script>alert(1)</script> \\033[31mred\\033[0m\\n'
      - for i in $(seq 2 40); do echo line $i; done
      - "echo 'src/app.js:3: <img src=x onerror=alert(2)>'"
      - exit 3
  after:
    image: node:24
    needs: ["unit (1/2)"]
    commands: [sleep 1]
`;

let folder: string;
let whole: WholeSlipway;
let run: Run;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-run-pages-'));
  whole = await startWhole(folder);
  for (const login of ['reader', 'stranger']) whole.host.createUser(login);
  await whole.host.createRepository('acme', 'secret', { private: true });
  whole.host.addCollaborator('acme', 'secret', 'reader', 'read');
  const ended = new Promise<Run>((resolve) => {
    whole.slipway.loop.onChange(({ run: changed }) => {
      if (changed.outcome !== undefined) resolve(changed);
    });
  });
  await whole.copy.git('remote', 'set-url', 'origin', `${whole.host.url}/acme/secret.git`);
  await whole.copy.push('main', { '.slipway.yaml': pipeline }, 'First <i>push</i>\u202e\u001b[2J');
  run = await ended;
}, 60_000);
afterAll(async () => {
  await whole.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Signs a browser in as the host would, and opens an address with it. */
async function openAs(login: string, path: string, provider = 'github'): Promise<Response> {
  const link = await whole.slipway.personLink({ provider, login }, `${whole.slipway.url}/runs/${run.runId}`);
  const signedIn = await fetch(link ?? '', { redirect: 'manual' });
  expect(signedIn.headers.get('location')).toBe(`/runs/${run.runId}`);
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  return fetch(`${whole.slipway.url}${path}`, { headers: { cookie } });
}

const stage = encodeURIComponent('unit (1/2)');
const paths = ['', `/stages/${stage}`, `/stages/${stage}/log.txt`, `/stages/${stage}/lines?from=0`];

it('shows a run to those who may read its repository: stages, failing lines, history, commands', async () => {
  const page = await openAs('reader', `/runs/${run.runId}`);
  expect(page.status).toBe(200);
  const text = await page.text();
  expect(text).toContain('First &lt;i&gt;push');
  expect(text).toContain('src/app.js:3');
  expect(text).toContain('unit (1/2) failed after');
  expect(text).toContain(`slipway retry ${run.runId}`);
  expect(text).not.toMatch(/<img|<i>|<script>/);
  expect(text).not.toMatch(/\p{Bidi_Control}|(?!\n)\p{Cc}/u);
});

it('shows a log with links to its lines, its colours, and nothing of it as HTML', async () => {
  const page = await (await openAs('reader', `/runs/${run.runId}/stages/${stage}`)).text();
  expect(page).toContain('<tr id="L12">');
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).toContain('<span class="ansi-red">red</span>');
  expect(page).not.toMatch(/<img|<script>/);
  const later = await (await openAs('reader', `/runs/${run.runId}/stages/${stage}?from=30`)).text();
  expect(later).not.toContain('id="L30"');
  expect(later).toContain('id="L31"');
  const stream = await openAs('reader', `/runs/${run.runId}/stages/${stage}/lines?from=38`);
  const events = await stream.text();
  expect(events).toContain('id="L39"');
  expect(events).toContain('event: end');
  expect(events).not.toMatch(/<img|<script>/);
});

it.each(paths)(
  'shows %s neither to strangers nor to people of another host, and does not tell that it is there',
  async (path) => {
    const nowhere = await (await openAs('stranger', `/runs/nowhere${path}`)).text();
    for (const [login, provider] of [
      ['stranger', 'github'],
      ['nobody', 'github'],
      ['reader', 'gitlab'],
    ] as const) {
      const answer = await openAs(login, `/runs/${run.runId}${path}`, provider);
      expect(answer.status).toBe(404);
      expect(await answer.text()).toBe(nowhere);
    }
    for (const id of [run.runId, 'nowhere']) {
      const answer = await fetch(`${whole.slipway.url}/runs/${id}${path}`);
      expect(answer.status).toBe(401);
      expect(await answer.text()).not.toContain('src/app.js');
    }
  },
);

it('lists runs of those repositories alone that the viewer may read', async () => {
  expect(await (await openAs('reader', '/runs')).text()).toContain(`/runs/${run.runId}`);
  const strange = await openAs('stranger', '/runs');
  expect(strange.status).toBe(200);
  expect(await strange.text()).not.toContain(run.runId);
  expect((await fetch(`${whole.slipway.url}/`)).status).toBe(401);
});

it('signs in by a link once, to a page of runs alone, and gives people no right to set anything up', async () => {
  const person = { provider: 'github', login: 'reader' };
  for (const elsewhere of [
    'https://evil.example/runs/1',
    `${whole.slipway.url}/setup`,
    `${whole.slipway.url}.evil/runs/`,
  ])
    expect(await whole.slipway.personLink(person, elsewhere)).toBeUndefined();
  const link = (await whole.slipway.personLink(person, `${whole.slipway.url}/runs/${run.runId}`)) ?? '';
  const first = await fetch(link, { redirect: 'manual' });
  expect(first.headers.get('set-cookie')).toMatch(/HttpOnly.*SameSite=Lax/);
  expect((await fetch(link, { redirect: 'manual' })).status).toBe(401);
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
  expect((await fetch(`${whole.slipway.url}/setup`, { headers: { cookie } })).status).toBe(401);
  expect((await fetch(`${whole.slipway.url}/api/runs`, { headers: { cookie } })).status).toBe(401);
  // One link is none of another purpose.
  const token = new URL(link).searchParams.get('token') ?? '';
  const forged = { cookie: `${cookie.split('=')[0]}=${token}` };
  expect((await fetch(`${whole.slipway.url}/runs/${run.runId}`, { headers: forged })).status).toBe(401);
});

it.each(['__proto__', 'constructor', 'toString', '..%2f..%2fx'])(
  'knows no stage %s, which any object has',
  async (named) => {
    const page = await openAs('reader', `/runs/${run.runId}/stages/${named}`);
    expect(page.status).toBe(404);
    const headers = { authorization: `Bearer ${whole.apiToken}` };
    const log = await fetch(`${whole.slipway.url}/api/runs/${run.runId}/logs/${named}`, { headers });
    expect(log.status).toBe(404);
    expect(await log.text()).toContain('has no stage');
  },
);

it('refuses a body that is too large with words', async () => {
  const answer = await fetch(`${whole.slipway.url}/api/runs/${run.runId}/cancel`, {
    method: 'POST',
    headers: { authorization: `Bearer ${whole.apiToken}` },
    body: 'x'.repeat(1_100_000),
  });
  expect(answer.status).toBe(413);
  expect(await answer.text()).toContain('too large');
});

it('opens any run for who runs Slipway', async () => {
  const answer = await fetch(`${whole.slipway.url}/api/runs/${run.runId.slice(0, 6)}/link`, {
    method: 'POST',
    headers: { authorization: `Bearer ${whole.apiToken}` },
  });
  const { link } = JSON.parse(await answer.text()) as { link: string };
  const signedIn = await fetch(link, { redirect: 'manual' });
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  const page = await fetch(new URL(signedIn.headers.get('location') ?? '', link), { headers: { cookie } });
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).not.toMatch(/unsafe|https?:/);
});

it('puts the address of its page on each check, without a secret in it', async () => {
  await whole.slipway.shown();
  const answer = await fetch(`${whole.host.apiUrl}/repos/acme/secret/commits/${run.trigger.headSha}/check-runs`, {
    headers: { authorization: `Bearer ${whole.token}` },
  });
  const text = await answer.text();
  expect(text).toContain(`"details_url":"${whole.slipway.url}/runs/${run.runId}/stages/${stage}"`);
});
