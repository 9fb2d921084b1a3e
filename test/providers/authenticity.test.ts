import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { bitbucketWebhooks } from '../../providers/bitbucket/webhook.ts';
import type { Header } from '../../providers/git-host-webhook.ts';
import { gitLabWebhooks } from '../../providers/gitlab/webhook.ts';

const secrets = ['the newer secret, in use', 'the older secret, rotated out'];
const body = '{"a":1}';

function headers(all: Readonly<Record<string, string>>): Header {
  return (name) => all[name];
}

/** Standard Webhooks' own example. */
const signingSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const example = {
  'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  'webhook-timestamp': '1614265330',
  'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const exampleBody = '{"test": 2432232314}';
const then = () => new Date(1_614_265_330_000);

it('takes Bitbucket’s deliveries with any secret in use, and nothing else', async () => {
  const source = bitbucketWebhooks(secrets);
  const signed = (secret: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  for (const secret of secrets) {
    expect(await source.isGenuine(body, headers({ 'x-hub-signature': signed(secret) }))).toBe(true);
    expect(await source.isGenuine(`${body} `, headers({ 'x-hub-signature': signed(secret) }))).toBe(false);
    expect(await source.isGenuine(body, headers({ 'x-hub-signature': signed(secret).slice(0, -1) }))).toBe(false);
  }
  expect(await source.isGenuine(body, headers({ 'x-hub-signature': signed('a secret of nobody') }))).toBe(false);
  expect(await source.isGenuine(body, headers({}))).toBe(false);
});

it('agrees with the example that Bitbucket documents', async () => {
  const source = bitbucketWebhooks(["It's a Secret to Everybody"]);
  const signature = 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9';
  expect(await source.isGenuine('Hello World!', headers({ 'x-hub-signature': signature }))).toBe(true);
});

it('takes GitLab’s deliveries with any token in use, and nothing else', async () => {
  const source = gitLabWebhooks(secrets, then);
  for (const token of secrets) expect(await source.isGenuine(body, headers({ 'x-gitlab-token': token }))).toBe(true);
  for (const token of ['', 'the newer secret, in us', `${secrets[0]} `]) {
    expect(await source.isGenuine(body, headers({ 'x-gitlab-token': token }))).toBe(false);
  }
  expect(await source.isGenuine(body, headers({}))).toBe(false);
});

it('takes GitLab’s signed deliveries, also among several signatures', async () => {
  const source = gitLabWebhooks([signingSecret], then);
  expect(await source.isGenuine(exampleBody, headers(example))).toBe(true);
  const several = { ...example, 'webhook-signature': `v1,AAAA ${example['webhook-signature']}` };
  expect(await source.isGenuine(exampleBody, headers(several))).toBe(true);
});

it.each([
  ['another body', {}, `${exampleBody} `, then],
  ['another id', { 'webhook-id': 'msg_other' }, exampleBody, then],
  ['another delivery key than the signed id', { 'idempotency-key': 'other' }, exampleBody, then],
  ['another time', { 'webhook-timestamp': '1614265331' }, exampleBody, then],
  ['no time', { 'webhook-timestamp': 'now' }, exampleBody, then],
  ['another version', { 'webhook-signature': example['webhook-signature'].replace('v1', 'v2') }, exampleBody, then],
  ['the secret as a token', { 'x-gitlab-token': signingSecret, 'webhook-signature': '' }, exampleBody, then],
  ['a time long ago', {}, exampleBody, () => new Date(1_614_265_330_000 + 301_000)],
  ['a time to come', {}, exampleBody, () => new Date(1_614_265_330_000 - 301_000)],
])('refuses a signed delivery of GitLab with %s', async (_, changed, text, now) => {
  const source = gitLabWebhooks([signingSecret], now);
  expect(await source.isGenuine(text, headers({ ...example, ...changed }))).toBe(false);
});

it('refuses a signature in a spelling that GitLab does not write, though it decodes to the same bytes', async () => {
  const source = gitLabWebhooks([signingSecret], then);
  const odd = example['webhook-signature'].replace(/E=$/, 'F=');
  expect(Buffer.from(odd, 'base64')).toEqual(Buffer.from(example['webhook-signature'], 'base64'));
  expect(await source.isGenuine(exampleBody, headers({ ...example, 'webhook-signature': odd }))).toBe(false);
});

it('refuses to start with a signing secret of GitLab that is no base64: its key would be empty, as anybody knows', () => {
  expect(() => gitLabWebhooks(['whsec_!!!!!!!!!!!!!!!!!!!!'], then)).toThrow(RangeError);
  expect(() => gitLabWebhooks([signingSecret, 'whsec_c2hvcnQ=======', ...secrets], then)).toThrow(RangeError);
});

it.each([[[]], [['short']], [[...secrets, '']]])('refuses to start with the secrets %j', (weak) => {
  expect(() => bitbucketWebhooks(weak)).toThrow(RangeError);
  expect(() => gitLabWebhooks(weak, then)).toThrow(RangeError);
});
