import { expect, it } from 'vitest';
import { isPlainJson } from '../../../app/intake/webhooks.ts';
import { gitHubWebhooks } from '../../../providers/github/webhook.ts';
import { secrets, signed, webhookWorld } from '../webhook-world.ts';

const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(40));

function push(facts: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    ref: 'refs/heads/main',
    before: a,
    after: b,
    deleted: false,
    forced: false,
    head_commit: { id: b, message: 'Say hello' },
    installation: { id: 7 },
    repository: { id: 11, name: 'web', full_name: 'acme/web', default_branch: 'main' },
    sender: { login: 'ann', id: 3 },
    ...facts,
  });
}

it.each([
  ['no signature', { 'x-hub-signature-256': undefined }, 401],
  ['an empty signature', { 'x-hub-signature-256': '' }, 401],
  ['a stranger’s signature', { 'x-hub-signature-256': signed(push(), 'a secret that is not ours') }, 401],
  ['a signature of another body', { 'x-hub-signature-256': signed(`${push()} `) }, 401],
  ['a cut signature', { 'x-hub-signature-256': signed(push()).slice(0, -1) }, 401],
  ['an upper-case signature', { 'x-hub-signature-256': signed(push()).toUpperCase() }, 401],
  ['two signatures', { 'x-hub-signature-256': `${signed(push())}, ${signed(push())}` }, 401],
  ['only the old SHA-1 header', { 'x-hub-signature-256': undefined, 'x-hub-signature': 'sha1=0' }, 401],
  ['no delivery id', { 'x-github-delivery': undefined }, 400],
  ['a delivery id with odd characters', { 'x-github-delivery': '{"$ne":1}' }, 400],
  ['an endless delivery id', { 'x-github-delivery': 'x'.repeat(101) }, 400],
  ['no event', { 'x-github-event': undefined }, 400],
  ['a form instead of JSON', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['no announced length', { 'content-length': undefined }, 411],
  ['more than 25 MB by its announced length', { 'content-length': '26214401' }, 413],
])('refuses %s, and keeps nothing', async (_, headers, status) => {
  const world = await webhookWorld();
  const answer = await world.deliver(push(), headers);
  expect(answer.status).toBe(status);
  expect(await world.kept()).toEqual({});
  expect(world.handled).toEqual([]);
});

it.each([
  ['cut JSON', push().slice(0, -2)],
  ['no JSON', 'payload=%7B%7D'],
  ['deep nesting', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
])('refuses %s although it is signed', async (_, body) => {
  const world = await webhookWorld();
  expect((await world.deliver(body)).status).toBe(400);
  expect(await world.kept()).toEqual({});
});

it('refuses an empty body', async () => {
  const world = await webhookWorld();
  expect((await world.deliver('')).status).toBe(401);
  expect(world.errors).toEqual([]);
});

it('refuses a body past 25 MB', async () => {
  const world = await webhookWorld();
  const answer = await world.deliver(JSON.stringify('x'.repeat(25 * 2 ** 20)));
  expect(answer.status).toBe(413);
  expect(await world.kept()).toEqual({});
});

it('answers in words that say what to do, and repeats nothing of what was sent', async () => {
  const world = await webhookWorld();
  const answer = await world.deliver(push({ note: 'hostile' }), { 'x-hub-signature-256': undefined });
  expect(answer.text).toContain('compare the webhook secrets');
  expect(answer.text).not.toContain('hostile');
});

it.each(secrets)('takes what is signed with any secret in use (%s)', async (secret) => {
  const world = await webhookWorld();
  expect((await world.deliver(push(), { 'x-hub-signature-256': signed(push(), secret) })).status).toBe(202);
  expect(await world.kept()).toEqual({ 'github:delivery-1': 'done' });
});

it('refuses to start without a secret, or with one that anybody knows', () => {
  expect(() => gitHubWebhooks([])).toThrow(RangeError);
  expect(() => gitHubWebhooks(['development'])).toThrow(RangeError);
  expect(() => gitHubWebhooks([...secrets, ''])).toThrow(RangeError);
});

it('agrees with the example that GitHub documents', async () => {
  const source = gitHubWebhooks(["It's a Secret to Everybody"]);
  const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  expect(await source.isGenuine('Hello, World!', () => signature)).toBe(true);
  expect(await source.isGenuine('Hello, World', () => signature)).toBe(false);
});

it('takes a delivery once, however often it is sent', async () => {
  const world = await webhookWorld();
  const id = { 'x-github-delivery': 'same' };
  const answers = await Promise.all([1, 2, 3].map(() => world.deliver(push(), id)));
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
  expect(await world.kept()).toEqual({ 'github:same': 'done' });
  expect(world.handled).toEqual(['github:same']);
});

it('forwards the same event under two delivery ids once', async () => {
  const world = await webhookWorld();
  await world.deliver(push());
  await world.kept();
  await world.deliver(push());
  expect(await world.kept()).toEqual({
    'github:delivery-1': 'done',
    'github:delivery-2': 'ignored: the same event came as github:delivery-1',
  });
});

it('forwards a force-push there and back, and a fast-forward of another branch', async () => {
  const world = await webhookWorld();
  const bodies = [
    push(),
    push({ before: b, after: c, head_commit: null }),
    push({ before: c, after: a, head_commit: null }),
    push(),
    push({ ref: 'refs/heads/release' }),
  ];
  for (const body of bodies) {
    await world.deliver(body);
    await world.kept();
  }
  expect(Object.values(await world.kept())).toEqual(['done', 'done', 'done', 'done', 'done']);
});

it('counts a delivery as seen only when its work is done', async () => {
  let tries = 0;
  const world = await webhookWorld({
    handle: async () => {
      tries += 1;
      if (tries === 1) throw new Error('the cluster is away');
      return {};
    },
  });
  await world.deliver(push());
  expect(await world.kept()).toEqual({ 'github:delivery-1': 'received: the cluster is away' });
  await expect.poll(() => world.kept(), { timeout: 10_000 }).toEqual({ 'github:delivery-1': 'done' });
  expect(tries).toBe(2);
});

it('records an unknown event as ignored, with the reason', async () => {
  const world = await webhookWorld();
  expect((await world.deliver(push(), { 'x-github-event': 'star' })).status).toBe(202);
  expect(await world.kept()).toEqual({ 'github:delivery-1': 'ignored: star starts nothing' });
});

it('reads braces in texts as text', () => {
  expect(isPlainJson(JSON.stringify({ text: '{"['.repeat(500) }))).toBe(true);
  expect(isPlainJson(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`)).toBe(true);
  expect(isPlainJson(`${'{"a":'.repeat(101)}1${'}'.repeat(101)}`)).toBe(false);
});

const hash = (digit: string) => ({ type: 'branch', name: `branch-${digit}`, target: { hash: digit.repeat(40) } });
const bitbucketPush = JSON.stringify({
  actor: { uuid: '{a}', account_id: '1:a' },
  repository: { uuid: '{r}', full_name: 'acme/web' },
  push: { changes: [...'abc'].map((digit) => ({ old: null, new: hash(digit) })) },
});

it('takes every change of a Bitbucket push once, also when it is sent again', async () => {
  const world = await webhookWorld();
  const headers = {
    'x-request-uuid': 'push-1',
    'x-event-key': 'repo:push',
    'x-hub-signature': signed(bitbucketPush),
  };
  for (let time = 0; time < 2; time += 1) {
    expect((await world.deliver(bitbucketPush, headers, 'bitbucket')).status).toBe(202);
  }
  expect(await world.kept()).toEqual({
    'bitbucket:push-1': 'done',
    'bitbucket:push-1.1': 'done',
    'bitbucket:push-1.2': 'done',
  });
  expect(world.handled).toHaveLength(3);
});

it('takes a delivery of GitLab with its token, and refuses it without', async () => {
  const world = await webhookWorld();
  const headers = { 'idempotency-key': 'one', 'x-gitlab-event': 'Wiki Page Hook', 'x-gitlab-token': secrets[1] };
  expect((await world.deliver('{}', { ...headers, 'x-gitlab-token': undefined }, 'gitlab')).status).toBe(401);
  expect((await world.deliver('{}', headers, 'gitlab')).status).toBe(202);
  expect(await world.kept()).toEqual({ 'gitlab:one': 'ignored: Wiki Page Hook starts nothing' });
});

it('takes no delivery for a provider that is not set up', async () => {
  const world = await webhookWorld();
  expect((await world.deliver(push(), {}, 'gitea')).status).toBe(404);
});

it('takes an update of Bitbucket that moved nothing for the event before it, an hour later too', async () => {
  let now = new Date('2026-01-01T00:00:00Z');
  const world = await webhookWorld({ clock: { now: () => now } });
  const update = async (id: string, event: string, head: string) => {
    const body = JSON.stringify({
      actor: { uuid: '{a}', account_id: '1:a' },
      repository: { uuid: '{r}', full_name: 'acme/web' },
      pullrequest: {
        id: 7,
        source: { branch: { name: 'topic' }, commit: { hash: head } },
        destination: { branch: { name: 'main' }, commit: { hash: 'f'.repeat(12) } },
      },
    });
    const headers = { 'x-request-uuid': id, 'x-event-key': event, 'x-hub-signature': signed(body) };
    await world.deliver(body, headers, 'bitbucket');
    await world.kept();
    now = new Date(now.getTime() + 3_600_000);
  };
  await update('opened', 'pullrequest:created', 'a'.repeat(12));
  await update('retitled', 'pullrequest:updated', 'a'.repeat(12));
  await update('pushed', 'pullrequest:updated', 'b'.repeat(12));
  expect(await world.kept()).toEqual({
    'bitbucket:opened': 'done',
    'bitbucket:retitled': 'ignored: the same event came as bitbucket:opened',
    'bitbucket:pushed': 'done',
  });
});
