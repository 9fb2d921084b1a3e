import { expect, it } from 'vitest';
import { bitbucketWebhooks } from '../../../providers/bitbucket/webhook.ts';
import { commitFile, git, startReceiver } from '../../app/embedded/git-host/running-host.ts';
import { ask } from '../contract-repository.ts';
import { collectedDeliveries, fieldsOf, inWords } from '../deliveries.ts';
import { bitbucketWorld } from './world.ts';

const secret = 'a secret of the webhook';

/** A pull request that is opened, discussed, pushed to and merged, as the face's webhooks tell it. */
async function told() {
  const world = await bitbucketWorld();
  const { embedded, api, person, clone, number, comment } = world;
  const receiver = await startReceiver(secret);
  embedded.addRepositoryHook('acme', 'web', { url: receiver.url, secret, events: ['*'] });
  const ann = person('ann').token;
  const pulls = `${api}/pullrequests/${number}`;
  await ask(pulls, ann, { method: 'PUT', body: { draft: true } });
  await ask(pulls, ann, { method: 'PUT', body: { draft: false } });
  const commentId = await comment('/approve <b>now</b>');
  await ask(`${pulls}/comments/${commentId}`, ann, { method: 'PUT', body: { content: { raw: 'Never mind' } } });
  const headSha = await commitFile(clone, 'c.txt', 'c\n', 'More');
  await git(clone, 'tag', 'v1');
  await git(clone, 'push', '--quiet', 'origin', 'topic', 'v1');
  await ask(`${pulls}/merge`, ann, { method: 'POST', body: {} });
  await git(clone, 'push', '--quiet', 'origin', ':topic');
  await embedded.webhooksSent();
  return { ...world, received: receiver.received, commentId, headSha };
}

it('signs each delivery, and each means what happened', async () => {
  const { received, people, headSha, commentId, baseSha } = await told();
  const source = bitbucketWebhooks([secret]);
  const words: string[] = [];
  for (const { headers, raw, body } of received) {
    const header = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined);
    expect(await source.isGenuine(raw, header)).toBe(true);
    const { id, event } = source.identify(header);
    expect(id).toBeDefined();
    for (const each of source.eventsIn(event ?? '', body)) words.push(inWords(source.translate(each, body)));
  }
  const by = people.writer;
  const short = (sha: string) => sha.slice(0, 7);
  expect(words).toEqual([
    expect.stringMatching(`^ask for the rest: updated #1 \\.\\..{7} into main draft by ${by}$`),
    expect.stringMatching(`^ask for the rest: updated #1 \\.\\..{7} into main by ${by}$`),
    `comment ${commentId} on #1 by ${by}: /approve <b>now</b>`,
    'ignored: pullrequest:comment_updated starts nothing',
    expect.stringMatching(`^ask for the rest: push topic .{7}\\.\\.${short(headSha)} by ${by}$`),
    `ask for the rest: tag v1 ${short(headSha)} by ${by}`,
    `ask for the rest: updated #1 ..${short(headSha)} into main by ${by}`,
    `ask for the rest: merged #1 ..${short(headSha)} into main by ${by}`,
    expect.stringMatching(`^ask for the rest: push main ${short(baseSha)}\\.\\..{7} by ${by}$`),
    'ignored: branch topic was deleted',
  ]);
});

it('sends what was answered by a fault twice more, as the same delivery', async () => {
  const { embedded, comment } = await bitbucketWorld();
  const receiver = await startReceiver(secret);
  embedded.addRepositoryHook('acme', 'web', { url: receiver.url, secret, events: ['*'] });
  receiver.answerWith(503);
  await comment('Hello');
  await embedded.webhooksSent();
  const headers = receiver.received.map((each) => each.headers);
  expect(headers.map((each) => each['x-attempt-number'])).toEqual(['1', '2', '3']);
  expect(new Set(headers.map((each) => each['x-request-uuid'])).size).toBe(1);
});

const real = collectedDeliveries('bitbucket');

it.skipIf(real.length === 0)(
  'sends nothing that no real delivery holds (skipped without the collected deliveries)',
  async () => {
    const known = new Set(real.flatMap(({ body }) => fieldsOf(body)));
    const { received } = await told();
    const invented = new Set(received.flatMap(({ body }) => fieldsOf(body)).filter((field) => !known.has(field)));
    expect([...invented]).toEqual([]);
  },
);
