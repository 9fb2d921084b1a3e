import { expect, it } from 'vitest';
import { completeTrigger } from '../../app/intake/complete-trigger.ts';
import { type HostEvent, Sha, type Trigger } from '../../engine/core/trigger.ts';
import type { PullRequest } from '../../providers/git-host.ts';
import type { Json } from './deliveries.ts';
import { sources } from './hosts.ts';

const before = Sha('a'.repeat(40));
const after = Sha('b'.repeat(40));
const zero = '0'.repeat(40);
const message = 'Say hello\n\nat length';

/** The same people and places, as each host names them. */
const gitHub = {
  installation: { id: 7 },
  repository: { id: 11, name: 'web', full_name: 'acme/web', default_branch: 'main' },
  sender: { login: 'ann', id: 3, type: 'User' },
};
const gitLab = {
  project: { id: 11, path_with_namespace: 'acme/web', default_branch: 'main' },
  user: { id: 3, username: 'ann' },
};
const bitbucket = {
  actor: { uuid: '3', account_id: 'ann', nickname: 'Ann', type: 'user' },
  repository: { uuid: '11', full_name: 'acme/web' },
};

const gitea = {
  repository: { id: 11, full_name: 'acme/web', default_branch: 'main' },
  sender: { login: 'ann', id: 3 },
};

const gitHubPull = {
  title: 'Two',
  user: gitHub.sender,
  head: { ref: 'topic', sha: after, repo: { id: 11 } },
  base: { ref: 'main', sha: before, repo: { id: 11 } },
  draft: false,
  merged: false,
  labels: [],
};

function gitHubPullRequest(action: string, facts: Json = {}): [string, Json] {
  const pull = { ...gitHubPull, merged: facts['merged'] ?? false };
  return ['pull_request', { ...gitHub, action, number: 7, pull_request: pull, ...facts }];
}

function gitLabMergeRequest(action: string, facts: Json = {}): [string, Json] {
  const request = { action, iid: 7, target_branch: 'main', last_commit: { id: after }, ...facts };
  return ['Merge Request Hook', { ...gitLab, object_attributes: request, labels: [], changes: {} }];
}

function bitbucketPullRequest(event: string): [string, Json] {
  const pullrequest = {
    id: 7,
    source: { branch: { name: 'topic' }, commit: { hash: after.slice(0, 12) } },
    destination: { branch: { name: 'main' }, commit: { hash: before.slice(0, 12) } },
  };
  return [event, { ...bitbucket, pullrequest }];
}

function giteaPullRequest(action: string, facts: Json = {}): [string, Json] {
  const side = { repo_id: 11, repo: { id: 11 } };
  const pull = {
    number: 7,
    title: 'Two',
    state: 'open',
    merged: false,
    draft: false,
    user: gitea.sender,
    head: { ref: 'topic', sha: after, ...side },
    base: { ref: 'main', sha: before, ...side },
    ...facts,
  };
  return ['pull_request', { ...gitea, action, number: 7, pull_request: pull }];
}

function gitHubPush(ref: string, from: string): [string, Json] {
  const push = { ref, before: from, after, deleted: false, forced: false, head_commit: { id: after, message } };
  return ['push', { ...gitHub, ...push }];
}

function gitLabPush(event: string, ref: string, from: string): [string, Json] {
  const commits = [{ id: after, message }];
  const by = { user_id: 3, user_username: 'ann', user_name: 'Ann' };
  return [event, { ...gitLab, ...by, ref, before: from, after, checkout_sha: after, commits }];
}

function giteaPush(ref: string, from: string): [string, Json] {
  return ['push', { ...gitea, ref, before: from, after, head_commit: { id: after, message } }];
}

function bitbucketPush(type: string, name: string, from: string | undefined): [string, Json] {
  const old = from === undefined ? null : { type, name, target: { hash: from, message: '' } };
  const change = { old, new: { type, name, target: { hash: after, message } } };
  return ['repo:push', { ...bitbucket, push: { changes: [change] } }];
}

const changes: readonly (readonly [string, readonly [string, Json][]])[] = [
  [
    'a push to main',
    [
      gitHubPush('refs/heads/main', before),
      gitLabPush('Push Hook', 'refs/heads/main', before),
      bitbucketPush('branch', 'main', before),
      giteaPush('refs/heads/main', before),
    ],
  ],
  [
    'a new branch',
    [
      gitHubPush('refs/heads/a/b', zero),
      gitLabPush('Push Hook', 'refs/heads/a/b', zero),
      bitbucketPush('branch', 'a/b', undefined),
      giteaPush('refs/heads/a/b', zero),
    ],
  ],
  [
    'a tag',
    [
      gitHubPush('refs/tags/v1', zero),
      gitLabPush('Tag Push Hook', 'refs/tags/v1', zero),
      bitbucketPush('tag', 'v1', undefined),
      giteaPush('refs/tags/v1', zero),
    ],
  ],
  [
    'a pull request',
    [
      gitHubPullRequest('opened'),
      gitLabMergeRequest('open'),
      bitbucketPullRequest('pullrequest:created'),
      giteaPullRequest('opened'),
    ],
  ],
  [
    'new commits on a pull request',
    [
      gitHubPullRequest('synchronize', { before }),
      gitLabMergeRequest('update', { oldrev: before }),
      bitbucketPullRequest('pullrequest:updated'),
      giteaPullRequest('synchronized'),
    ],
  ],
  [
    'a merged pull request',
    [
      gitHubPullRequest('closed', { merged: true }),
      gitLabMergeRequest('merge'),
      bitbucketPullRequest('pullrequest:fulfilled'),
      giteaPullRequest('closed', { state: 'closed', merged: true }),
    ],
  ],
  [
    'a closed pull request',
    [
      gitHubPullRequest('closed'),
      gitLabMergeRequest('close'),
      bitbucketPullRequest('pullrequest:rejected'),
      giteaPullRequest('closed', { state: 'closed' }),
    ],
  ],
];

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
const host = { defaultBranch: async () => 'main', pullRequest: async () => pull };
/** How the pull request stands at the host when the delivery is worked off. */
const states: Readonly<Record<string, PullRequest['state']>> = {
  'a merged pull request': 'merged',
  'a closed pull request': 'closed',
};

async function triggerOf(event: HostEvent, state: PullRequest['state']): Promise<Trigger | undefined> {
  if (event.type === 'trigger') return event.trigger;
  const then = { ...host, pullRequest: async () => ({ ...pull, state }) };
  return event.type === 'incomplete' ? completeTrigger(event.known, then) : undefined;
}

it.each(changes)('gives equal triggers for %s on every host, but for names', async (what, deliveries) => {
  const triggers = await Promise.all(
    sources.map((source, index) =>
      triggerOf(source.translate(...(deliveries[index] ?? ['', {}])), states[what] ?? 'open'),
    ),
  );
  const plain = triggers.map((trigger, index) => {
    const provider = sources[index]?.provider;
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
  const deliveries: [string, Json][] = [
    [
      'issue_comment',
      {
        ...gitHub,
        action: 'created',
        issue: { number: 7, pull_request: {} },
        comment: { id: 5, body: said, user: gitHub.sender },
      },
    ],
    [
      'Note Hook',
      {
        ...gitLab,
        object_attributes: {
          id: 5,
          note: said,
          noteable_type: 'MergeRequest',
          action: 'create',
          created_at: '',
          updated_at: '',
        },
        merge_request: { iid: 7 },
      },
    ],
    [
      'pullrequest:comment_created',
      { ...bitbucket, pullrequest: { id: 7 }, comment: { id: 5, content: { raw: said }, user: bitbucket.actor } },
    ],
    [
      'issue_comment',
      {
        ...gitea,
        action: 'created',
        is_pull: true,
        issue: { number: 7 },
        comment: { id: 5, body: said, user: gitea.sender },
      },
    ],
  ];
  for (const [index, source] of sources.entries()) {
    expect(source.translate(...(deliveries[index] ?? ['', {}]))).toMatchObject({
      type: 'comment',
      number: 7,
      commentId: '5',
      body: said,
      by: { login: 'ann', id: '3' },
    });
  }
});

it('starts nothing for a pull request that is gone', async () => {
  const [, gitLabSource] = sources;
  const event = gitLabSource?.translate(...gitLabMergeRequest('open'));
  if (event?.type !== 'incomplete') throw new TypeError('expected an event to complete');
  expect(await completeTrigger(event.known, { ...host, pullRequest: async () => undefined })).toBeUndefined();
});

it('hears a reaction to a comment on GitLab', () => {
  const award = { name: 'thumbsup', awardable_type: 'Note', awardable_id: 5 };
  const reacted = (facts: Json) =>
    sources[1]?.translate('Emoji Hook', { ...gitLab, object_attributes: award, merge_request: { iid: 7 }, ...facts });
  expect(reacted({ event_type: 'award' })).toMatchObject({
    type: 'reaction',
    content: 'thumbs_up',
    change: 'added',
    commentId: '5',
  });
  expect(reacted({ object_attributes: { ...award, action: 'revoke' } })).toMatchObject({ change: 'removed' });
  expect(reacted({ object_attributes: { ...award, name: 'tada' }, event_type: 'award' })?.type).toBe('ignored');
});
