import { request } from 'node:http';
import { expect, it } from 'vitest';
import { signedIn } from './browser.ts';
import { commitFile, git, installationOctokit, octokitWith, startWorld } from './running-host.ts';

const at = { owner: 'acme', repo: 'web' };

async function worldWithPull(title = 'Two') {
  const world = await startWorld();
  await commitFile(world.clone, 'a.txt', 'one\n', 'Start');
  await git(world.clone, 'push', '--quiet', 'origin', 'main');
  await git(world.clone, 'switch', '--quiet', '-c', 'topic<b>');
  const head = await commitFile(world.clone, 'a.txt', '<script>alert(1)</script>\n', 'Change <img src=x>');
  await git(world.clone, 'push', '--quiet', 'origin', 'topic<b>');
  const ann = octokitWith(world.host, world.annToken);
  await ann.rest.pulls.create({ ...at, title, head: 'topic<b>', base: 'main', body: '' });
  return { ...world, head, ann };
}

it('a sign-in link works once and sets a cookie that scripts and other sites never get', async () => {
  const { host } = await startWorld();
  expect((await fetch(`${host.url}/`)).status).toBe(401);
  const ann = await signedIn(host, 'ann');
  expect(ann.setCookie).toMatch(/HttpOnly/);
  expect(ann.setCookie).toMatch(/SameSite=Strict/);
  expect((await ann.get('/')).status).toBe(200);
  expect((await fetch(ann.link, { redirect: 'manual' })).status).toBe(401);
  expect((await fetch(`${host.apiUrl}/user`, { headers: { cookie: ann.cookie } })).status).toBe(401);
  const secret = new URL(ann.link).searchParams.get('token') ?? '';
  expect((await fetch(`${host.apiUrl}/user`, { headers: { authorization: `Bearer ${secret}` } })).status).toBe(401);
});

it('refuses forms from elsewhere, without their token, or under a foreign host name', async () => {
  const world = await worldWithPull();
  const ann = await signedIn(world.host, 'ann');
  const path = '/acme/web/pull/1';
  const csrf = await ann.csrf(path);
  const send = async (form: Record<string, string>, headers?: Record<string, string>): Promise<number> =>
    (await ann.post(`${path}/comment`, { body: 'hello', next: 'stay', ...form }, headers)).status;
  expect(await send({ csrf }, { origin: 'https://evil.example' })).toBe(403);
  expect(await send({ csrf }, { origin: 'null' })).toBe(403);
  expect(await send({ csrf }, { 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await send({})).toBe(403);
  expect(await send({ csrf: (await signedIn(world.host, 'bob')).cookie })).toBe(403);
  expect(await send({ csrf })).toBe(303);
  expect((await world.ann.rest.issues.listComments({ ...at, issue_number: 1 })).data).toHaveLength(1);

  const status = await new Promise<number>((resolve, reject) => {
    request(`${world.host.url}/`, { headers: { host: 'evil.example', cookie: ann.cookie } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(421);
});

it('shows hostile titles, branches, commits, comments and annotations as text', async () => {
  const world = await worldWithPull('<script>alert("title")</script>');
  const slipway = installationOctokit(world);
  const hostile =
    '<!-- hidden --><script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">x</a><iframe src="//evil.example"></iframe><style>*{}</style><form action="https://evil.example"><button>b</button></form>\n\n[y](javascript:alert(2))';
  await slipway.rest.issues.createComment({
    ...at,
    issue_number: 1,
    body: `${hostile}\n\n<details><summary>more</summary>\n\n- [x] done\n\n</details>`,
  });
  const { data: run } = await slipway.rest.checks.create({
    ...at,
    name: '<script>name</script>',
    head_sha: world.head,
    conclusion: 'failure',
    output: {
      title: '<script>t</script>',
      summary: hostile,
      text: hostile,
      annotations: [
        {
          path: 'a.txt',
          start_line: 1,
          end_line: 1,
          annotation_level: 'failure',
          message: '<script>m</script>',
          title: '<script>a</script>',
        },
      ],
    },
  });
  const ann = await signedIn(world.host, 'ann');
  const paths = [
    '/acme/web',
    '/acme/web/pulls',
    '/acme/web/pull/1',
    '/acme/web/pull/1/checks',
    '/acme/web/pull/1/files',
    `/acme/web/runs/${run.id}`,
    `/acme/web/commit/${world.head}`,
    `/acme/web/compare/${encodeURIComponent('topic<b>')}`,
    '/acme/web/blob/main/a.txt',
  ];
  for (const path of paths) {
    const answer = await ann.get(path);
    const text = await answer.text();
    expect([path, answer.status]).toEqual([path, 200]);
    expect(text.replace('<script src="/assets/live.js" defer></script>', '')).not.toMatch(
      /<script|<img src=x|href="javascript:|<iframe|<style|(action|src)="(https:)?\/\/evil|hidden -->|onerror=(?!alert\(1\)&gt;)/,
    );
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
  }
  const conversation = await (await ann.get('/acme/web/pull/1')).text();
  expect(conversation).toContain('<details><summary>more</summary>');
  expect(conversation).toMatch(/type="checkbox"[^>]*checked/);
  expect(await (await ann.get('/acme/web/pull/1/files')).text()).toContain('&lt;script&gt;m&lt;/script&gt;');
});

it('a person comments, reacts, labels and merges by the pages; a reader may only speak', async () => {
  const world = await worldWithPull();
  const path = '/acme/web/pull/1';
  const bob = await signedIn(world.host, 'bob');
  const bobs = { csrf: await bob.csrf(path) };
  expect((await bob.post(`${path}/comment`, { ...bobs, body: 'line\r\n/retry', next: 'stay' })).status).toBe(303);
  expect((await bob.post(`${path}/merge`, { ...bobs, sha: world.head })).status).toBe(403);
  expect((await bob.post(`${path}/labels`, { ...bobs, name: 'x' })).status).toBe(403);

  const ann = await signedIn(world.host, 'ann');
  const csrf = await ann.csrf(path);
  const { data: comments } = await world.ann.rest.issues.listComments({ ...at, issue_number: 1 });
  expect(comments.map(({ body }) => body)).toEqual(['line\n/retry']);
  const reaction = `${path}/comments/${comments[0]?.id}/reactions`;
  await ann.post(reaction, { csrf, content: 'rocket' });
  expect(
    (await world.ann.rest.reactions.listForIssueComment({ ...at, comment_id: comments[0]?.id ?? 0 })).data,
  ).toMatchObject([{ content: 'rocket' }]);
  await ann.post(reaction, { csrf, content: 'rocket' });
  expect(
    (await world.ann.rest.reactions.listForIssueComment({ ...at, comment_id: comments[0]?.id ?? 0 })).data,
  ).toEqual([]);
  await ann.post(`${path}/labels`, { csrf, name: 'hotfix' });
  expect(await (await ann.get(path)).text()).toContain('Remove label hotfix');
  expect((await ann.post(`${path}/merge`, { csrf, sha: world.head, method: 'merge' })).status).toBe(303);
  expect(await (await ann.get(path)).text()).toContain('>Merged<');
  expect(await (await ann.get('/acme/web/pulls?state=closed')).text()).toContain('>Two<');
});

it('hides private repositories from people without access, as if they were not there', async () => {
  const world = await worldWithPull();
  world.host.createUser('eve');
  const eve = await signedIn(world.host, 'eve');
  expect(await (await eve.get('/')).text()).not.toContain('web');
  for (const path of ['/acme/web', '/acme/web/pull/1', '/acme/web/blob/main/a.txt'])
    expect((await eve.get(path)).status).toBe(404);
});

it('sends a person to the details of a check as whom it knows them, and nobody anywhere else', async () => {
  const world = await worldWithPull();
  const below = 'https://app.example/runs/';
  world.host.vouchFor({ below, link: async (login, url) => `${url}?for=${login}` });
  const slipway = installationOctokit(world);
  const check = { ...at, name: 'unit (1/2)', head_sha: world.head, details_url: `${below}7/stages/unit` };
  const { data: made } = await slipway.rest.checks.create(check);
  await slipway.rest.issues.createComment({ ...at, issue_number: 1, body: `[unit](<${below}7/stages/unit>)` });
  const ann = await signedIn(world.host, 'ann');
  const open = async (path: string) =>
    await fetch(world.host.url + path, { headers: { cookie: ann.cookie }, redirect: 'manual' });

  const checkPage = await (await ann.get(`/acme/web/runs/${made.id}`)).text();
  const details = /href="(\/acme\/web\/details\/[^"]+)"/.exec(checkPage)?.[1] ?? '';
  expect((await open(details.replaceAll('&amp;', '&'))).headers.get('location')).toBe(`${below}7/stages/unit?for=ann`);
  const comment = await (await ann.get('/acme/web/pull/1')).text();
  const link = /href="(\/details[^"]+)"/.exec(comment)?.[1] ?? '';
  expect((await open(link)).headers.get('location')).toBe(`${below}7/stages/unit?for=ann`);
  for (const to of ['https://evil.example/runs/', '//evil.example', '', `${below.slice(0, -6)}.evil.example/runs/`])
    expect((await open(`/details?${new URLSearchParams({ to })}`)).status).toBe(404);
  expect((await open(`/acme/web/details/${world.head}?of=nothing`)).status).toBe(404);
});
