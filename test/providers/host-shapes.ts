import type { Sha } from '../../engine/core/trigger.ts';
import { bitbucketWebhooks } from '../../providers/bitbucket/webhook.ts';
import type { PullRequest } from '../../providers/git-host.ts';
import type { WebhookSource } from '../../providers/git-host-webhook.ts';
import { giteaWebhooks } from '../../providers/gitea/webhook.ts';
import { gitHubWebhooks } from '../../providers/github/webhook.ts';
import { gitLabWebhooks, signingPrefix } from '../../providers/gitlab/webhook.ts';
import type { Json } from './deliveries.ts';
import type { Signing } from './signing.ts';

/** A branch or tag that was pushed. */
export interface RefMove {
  readonly kind: 'branch' | 'tag';
  readonly name: string;
  /** Absent where it is new. */
  readonly before?: Sha;
  /** Absent where it was deleted. */
  readonly after?: Sha;
  readonly message: string;
}

/** A pull request as it stands after a change, and as it stood before it. */
export interface PullMove {
  readonly what: 'opened' | 'committed' | 'retargeted' | 'retitled' | 'ended';
  readonly pull: PullRequest;
  readonly before?: PullRequest;
}

/** The event's name as the host's header tells it, and the body. */
export type Told = readonly [event: string, body: Json];

/** How one host tells what happened in acme/web (id 11) by ann (id 3). Only the fields used; the people and places are the same. */
export interface HostShape {
  readonly provider: string;
  readonly signing: Signing;
  readonly secret: string;
  /** A delivery that is sent again comes under the id that it had. */
  readonly keepsId: boolean;
  /** One `git push`: as many deliveries as the host makes of it. */
  pushed(moves: readonly RefMove[]): readonly Told[];
  pullRequest(move: PullMove): Told;
  /** A new comment in the conversation. */
  commented(number: number, id: number, body: string): Told;
  /** What takes these deliveries, signed with the secret. */
  webhooks(now: () => Date): WebhookSource;
}

const secret = 'a secret for tests alone';

const zero = '0'.repeat(40);
const shortHash = 12;
/** GitLab tells nothing at all of a push that moves more branches or tags than these. */
const maxGitLabRefs = 3;

function refOf({ kind, name }: RefMove): string {
  return kind === 'branch' ? `refs/heads/${name}` : `refs/tags/${name}`;
}

const gitHubCommon = {
  installation: { id: 7 },
  repository: { id: 11, name: 'web', full_name: 'acme/web', default_branch: 'main' },
  sender: { login: 'ann', id: 3, type: 'User' },
};

export const gitHubShape: HostShape = {
  provider: 'github',
  signing: 'github',
  secret,
  keepsId: true,
  pushed: (moves) =>
    moves.map((move) => [
      'push',
      {
        ...gitHubCommon,
        ref: refOf(move),
        before: move.before ?? zero,
        after: move.after ?? zero,
        deleted: move.after === undefined,
        forced: false,
        head_commit: move.after === undefined ? null : { id: move.after, message: move.message },
      },
    ]),
  pullRequest({ what, pull, before }) {
    const side = { repo: { id: 11 } };
    const actions = {
      opened: { action: 'opened' },
      committed: { action: 'synchronize', before: before?.headSha, after: pull.headSha },
      retargeted: { action: 'edited', changes: { base: { ref: { from: before?.baseRef } } } },
      retitled: { action: 'edited', changes: { title: { from: before?.title } } },
      ended: { action: 'closed' },
    };
    return [
      'pull_request',
      {
        ...gitHubCommon,
        ...actions[what],
        number: pull.number,
        pull_request: {
          title: pull.title,
          user: gitHubCommon.sender,
          head: { ref: pull.headRef, sha: pull.headSha, ...side },
          base: { ref: pull.baseRef, sha: pull.baseSha, ...side },
          draft: pull.isDraft,
          merged: pull.state === 'merged',
          labels: [],
        },
      },
    ];
  },
  commented: (number, id, body) => [
    'issue_comment',
    {
      ...gitHubCommon,
      action: 'created',
      issue: { number, pull_request: {} },
      comment: { id, body, user: gitHubCommon.sender },
    },
  ],
  webhooks: () => gitHubWebhooks([secret]),
};

const gitLabCommon = {
  project: { id: 11, path_with_namespace: 'acme/web', default_branch: 'main' },
  user: { id: 3, username: 'ann' },
};

const gitLabSecret = `${signingPrefix}${Buffer.from(secret).toString('base64')}`;

export const gitLabShape: HostShape = {
  provider: 'gitlab',
  signing: 'gitlab',
  secret: gitLabSecret,
  keepsId: true,
  pushed: (moves) =>
    moves.length > maxGitLabRefs
      ? []
      : moves.map((move) => [
          move.kind === 'branch' ? 'Push Hook' : 'Tag Push Hook',
          {
            ...gitLabCommon,
            user_id: 3,
            user_username: 'ann',
            user_name: 'Ann',
            ref: refOf(move),
            before: move.before ?? zero,
            after: move.after ?? zero,
            checkout_sha: move.after ?? null,
            commits: move.after === undefined ? [] : [{ id: move.after, message: move.message }],
          },
        ]),
  pullRequest({ what, pull, before }) {
    const actions = {
      opened: { action: 'open' },
      committed: { action: 'update', oldrev: before?.headSha },
      retargeted: { action: 'update' },
      retitled: { action: 'update' },
      ended: { action: pull.state === 'merged' ? 'merge' : 'close' },
    };
    const changes =
      what === 'retargeted'
        ? { target_branch: { previous: before?.baseRef, current: pull.baseRef } }
        : what === 'retitled'
          ? { title: { previous: before?.title, current: pull.title } }
          : {};
    return [
      'Merge Request Hook',
      {
        ...gitLabCommon,
        labels: [],
        changes,
        object_attributes: {
          ...actions[what],
          iid: pull.number,
          title: pull.title,
          target_branch: pull.baseRef,
          last_commit: { id: pull.headSha },
        },
      },
    ];
  },
  commented(iid, id, note) {
    const facts = { noteable_type: 'MergeRequest', action: 'create', created_at: '', updated_at: '' };
    return ['Note Hook', { ...gitLabCommon, object_attributes: { id, note, ...facts }, merge_request: { iid } }];
  },
  webhooks: (now) => gitLabWebhooks([gitLabSecret], now),
};

const bitbucketCommon = {
  actor: { uuid: '3', account_id: 'ann', nickname: 'Ann', type: 'user' },
  repository: { uuid: '11', full_name: 'acme/web' },
};

export const bitbucketShape: HostShape = {
  provider: 'bitbucket',
  signing: 'bitbucket',
  secret,
  keepsId: true,
  pushed(moves) {
    const changes = moves.map(({ kind: type, name, before, after, message }) => ({
      old: before === undefined ? null : { type, name, target: { hash: before, message: '' } },
      new: after === undefined ? null : { type, name, target: { hash: after, message } },
    }));
    return [['repo:push', { ...bitbucketCommon, push: { changes } }]];
  },
  pullRequest({ what, pull }) {
    const ended = pull.state === 'merged' ? 'fulfilled' : 'rejected';
    const event = what === 'opened' ? 'created' : what === 'ended' ? ended : 'updated';
    const side = (name: string, sha: Sha) => ({ branch: { name }, commit: { hash: sha.slice(0, shortHash) } });
    const pullrequest = {
      id: pull.number,
      title: pull.title,
      source: side(pull.headRef, pull.headSha),
      destination: side(pull.baseRef, pull.baseSha),
    };
    return [`pullrequest:${event}`, { ...bitbucketCommon, pullrequest }];
  },
  commented: (number, id, raw) => [
    'pullrequest:comment_created',
    {
      ...bitbucketCommon,
      pullrequest: { id: number },
      comment: { id, content: { raw }, user: bitbucketCommon.actor },
    },
  ],
  webhooks: () => bitbucketWebhooks([secret]),
};

const giteaCommon = {
  repository: { id: 11, full_name: 'acme/web', default_branch: 'main' },
  sender: { login: 'ann', id: 3 },
};

export const giteaShape: HostShape = {
  provider: 'gitea',
  signing: 'gitea',
  secret,
  keepsId: false,
  pushed: (moves) =>
    moves.map((move) => [
      'push',
      {
        ...giteaCommon,
        ref: refOf(move),
        before: move.before ?? zero,
        after: move.after ?? zero,
        head_commit: move.after === undefined ? null : { id: move.after, message: move.message },
      },
    ]),
  pullRequest({ what, pull, before }) {
    const side = { repo_id: 11, repo: { id: 11 } };
    const actions = {
      opened: { action: 'opened' },
      committed: { action: 'synchronized' },
      retargeted: { action: 'edited', changes: { ref: { from: before?.baseRef } } },
      retitled: { action: 'edited', changes: { title: { from: before?.title } } },
      ended: { action: 'closed' },
    };
    return [
      'pull_request',
      {
        ...giteaCommon,
        ...actions[what],
        number: pull.number,
        pull_request: {
          number: pull.number,
          title: pull.title,
          state: pull.state === 'open' ? 'open' : 'closed',
          merged: pull.state === 'merged',
          draft: pull.isDraft,
          user: giteaCommon.sender,
          head: { ref: pull.headRef, sha: pull.headSha, ...side },
          base: { ref: pull.baseRef, sha: pull.baseSha, ...side },
        },
      },
    ];
  },
  commented: (number, id, body) => [
    'issue_comment',
    {
      ...giteaCommon,
      action: 'created',
      is_pull: true,
      issue: { number },
      comment: { id, body, user: giteaCommon.sender },
    },
  ],
  webhooks: () => giteaWebhooks([secret]),
};

export const hostShapes: readonly HostShape[] = [gitHubShape, gitLabShape, bitbucketShape, giteaShape];
