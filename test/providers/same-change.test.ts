import { expect, it } from 'vitest';
import { completeTrigger } from '../../app/intake/complete-trigger.ts';
import { type HostEvent, Sha, type Trigger } from '../../engine/core/trigger.ts';
import type { PullRequest } from '../../providers/git-host.ts';
import type { Json } from './deliveries.ts';
import { gitLabShape, type HostShape, hostShapes, type Told } from './host-shapes.ts';

const before = Sha('a'.repeat(40));
const after = Sha('b'.repeat(40));
const message = 'Say hello\n\nat length';

const pull: PullRequest = {
  number: 7,
  title: 'Two',
  state: 'open',
  headRef: 'topic',
  headSha: after,
  isFork: false,
  baseRef: 'main',
  baseSha: before,
  isDraft: false,
  author: 'ann',
  authorId: '3',
  labels: [],
};
const was: PullRequest = { ...pull, title: 'One', headSha: before };
const changes: readonly (readonly [string, (shape: HostShape) => Told | undefined])[] = [
  ['a push to main', (shape) => shape.pushed([{ kind: 'branch', name: 'main', before, after, message }])[0]],
  ['a new branch', (shape) => shape.pushed([{ kind: 'branch', name: 'a/b', after, message }])[0]],
  ['a tag', (shape) => shape.pushed([{ kind: 'tag', name: 'v1', after, message }])[0]],
  ['a pull request', (shape) => shape.pullRequest({ what: 'opened', pull })],
  ['new commits on a pull request', (shape) => shape.pullRequest({ what: 'committed', pull, before: was })],
  [
    'another base of a pull request',
    (shape) => shape.pullRequest({ what: 'retargeted', pull, before: { ...pull, baseRef: 'release' } }),
  ],
  [
    'a merged pull request',
    (shape) => shape.pullRequest({ what: 'ended', pull: { ...pull, state: 'merged' }, before: pull }),
  ],
  [
    'a closed pull request',
    (shape) => shape.pullRequest({ what: 'ended', pull: { ...pull, state: 'closed' }, before: pull }),
  ],
];

const host = { defaultBranch: async () => 'main', pullRequest: async () => pull };
/** How the pull request stands at the host when the delivery is worked off. */
const states: Readonly<Record<string, PullRequest['state']>> = {
  'a merged pull request': 'merged',
  'a closed pull request': 'closed',
};

function understood(shape: HostShape, told: Told | undefined): HostEvent {
  return shape.webhooks(() => new Date(0)).translate(...(told ?? ['nothing', {}]));
}

async function triggerOf(event: HostEvent, state: PullRequest['state']): Promise<Trigger | undefined> {
  if (event.type === 'trigger') return event.trigger;
  const then = { ...host, pullRequest: async () => ({ ...pull, state }) };
  return event.type === 'incomplete' ? completeTrigger(event.known, then) : undefined;
}

it.each(changes)('gives equal triggers for %s on every host, but for names', async (what, told) => {
  const triggers = await Promise.all(
    hostShapes.map((shape) => triggerOf(understood(shape, told(shape)), states[what] ?? 'open')),
  );
  const plain = triggers.map((trigger, index) => {
    const provider = hostShapes[index]?.provider;
    expect(trigger?.repository.provider).toBe(provider);
    expect(trigger?.repository.tenant.startsWith(`${provider}:`)).toBe(true);
    return { ...trigger, repository: { ...trigger?.repository, provider: '', tenant: '' } };
  });
  expect(plain[0]).toMatchObject({
    repository: { owner: 'acme', name: 'web', id: '11' },
    actor: { login: 'ann', id: '3' },
  });
  for (const each of plain) expect(each).toEqual(plain[0]);
});

it('hears the same comment on every host', () => {
  const said = '/slipway approve staging';
  for (const shape of hostShapes) {
    expect(understood(shape, shape.commented(7, 5, said))).toMatchObject({
      type: 'comment',
      number: 7,
      commentId: '5',
      body: said,
      by: { login: 'ann', id: '3' },
    });
  }
});

it('starts nothing for a pull request that is gone', async () => {
  const event = understood(gitLabShape, gitLabShape.pullRequest({ what: 'opened', pull }));
  if (event.type !== 'incomplete') throw new TypeError('expected an event to complete');
  expect(await completeTrigger(event.known, { ...host, pullRequest: async () => undefined })).toBeUndefined();
});

it('hears a reaction to a comment on GitLab', () => {
  const award = { name: 'thumbsup', awardable_type: 'Note', awardable_id: 5 };
  // A reaction's delivery names the comment's people and places.
  const [, comment] = gitLabShape.commented(7, 5, '');
  const reacted = (facts: Json) =>
    understood(gitLabShape, ['Emoji Hook', { ...comment, object_attributes: award, ...facts }]);
  expect(reacted({ event_type: 'award' })).toMatchObject({
    type: 'reaction',
    content: 'thumbs_up',
    change: 'added',
    commentId: '5',
  });
  expect(reacted({ object_attributes: { ...award, action: 'revoke' } })).toMatchObject({ change: 'removed' });
  expect(reacted({ object_attributes: { ...award, name: 'tada' }, event_type: 'award' }).type).toBe('ignored');
});
