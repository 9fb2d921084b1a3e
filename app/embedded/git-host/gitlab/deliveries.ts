import type { PushBody } from '../domain/push-events.ts';
import type { Account, Label, Pull, Repository } from '../entities.ts';
import type { FaceDelivery, Happening } from '../face.ts';
import { zeroHash } from '../git/ref-name.ts';
import { fullNameOf, type Host, ownerOf } from '../host.ts';
import { emojiNames } from './emoji.ts';
import { projectUrl } from './shapes.ts';

const listedCommits = 20;
/** A push that moves more branches or tags than this is told to nobody. */
const toldRefs = 3;

/** Webhooks as GitLab words them. */
export function deliveriesOf(
  host: Host,
  repository: Repository,
  sender: Account,
  happening: Happening,
): readonly FaceDelivery[] {
  switch (happening.type) {
    case 'push':
      return happening.pushes.length > toldRefs
        ? []
        : happening.pushes.map((push) => ({
            event: push.ref.startsWith('refs/tags/') ? 'Tag Push Hook' : 'Push Hook',
            body: pushBody(host, repository, sender, push),
          }));
    case 'pull': {
      const body = mergeRequestBody(host, repository, sender, happening);
      return body === undefined ? [] : [{ event: 'Merge Request Hook', body }];
    }
    case 'comment':
      // GitLab tells of no comment that is gone.
      return happening.action === 'deleted'
        ? []
        : [{ event: 'Note Hook', body: noteBody(host, repository, sender, happening) }];
    case 'reaction':
      return [{ event: 'Emoji Hook', body: emojiBody(host, repository, sender, happening) }];
  }
}

function userOf(host: Host, account: Account) {
  return {
    id: account.id,
    name: account.name ?? account.login,
    username: account.login,
    avatar_url: `${host.url}/avatars/${account.id}`,
    email: '[REDACTED]',
  };
}

function projectOf(host: Host, repository: Repository) {
  const url = projectUrl(host, repository);
  return {
    id: repository.id,
    name: repository.name,
    description: repository.description ?? '',
    web_url: url,
    avatar_url: null,
    git_ssh_url: `${url}.git`,
    git_http_url: `${url}.git`,
    namespace: ownerOf(host, repository).login,
    visibility_level: repository.private ? 0 : 20,
    path_with_namespace: fullNameOf(host, repository),
    default_branch: repository.defaultBranch,
    ci_config_path: null,
    homepage: url,
    url: `${url}.git`,
    ssh_url: `${url}.git`,
    http_url: `${url}.git`,
  };
}

function repositoryOf(host: Host, repository: Repository) {
  const { name, url, description, homepage } = projectOf(host, repository);
  return { name, url, description, homepage };
}

function pushBody(host: Host, repository: Repository, sender: Account, push: PushBody) {
  const isTag = push.ref.startsWith('refs/tags/');
  return {
    object_kind: isTag ? 'tag_push' : 'push',
    event_name: isTag ? 'tag_push' : 'push',
    before: push.before,
    after: push.after,
    ref: push.ref,
    checkout_sha: push.after === zeroHash ? null : (push.head_commit?.id ?? push.after),
    message: null,
    user_id: sender.id,
    user_name: sender.name ?? sender.login,
    user_username: sender.login,
    user_email: '',
    user_avatar: `${host.url}/avatars/${sender.id}`,
    project_id: repository.id,
    project: projectOf(host, repository),
    commits: push.commits
      .slice(-listedCommits)
      .map(({ id, message, timestamp, url, author, added, modified, removed }) => ({
        id,
        message,
        title: message.split('\n')[0],
        timestamp,
        url,
        author: { name: author.name, email: author.email },
        added,
        modified,
        removed,
      })),
    total_commits_count: push.commits.length,
    repository: repositoryOf(host, repository),
  };
}

const actions = { opened: 'open', reopened: 'reopen' } as const;

function mergeRequestBody(
  host: Host,
  repository: Repository,
  sender: Account,
  happening: Extract<Happening, { type: 'pull' }>,
) {
  const { pull, action, before, label, changes } = happening;
  const labels = labelsOf(host, pull);
  const told =
    action === 'closed'
      ? pull.mergedAt === null
        ? 'close'
        : 'merge'
      : action === 'opened' || action === 'reopened'
        ? actions[action]
        : 'update';
  const isDraftChange = action === 'ready_for_review' || action === 'converted_to_draft';
  return {
    object_kind: 'merge_request',
    event_type: 'merge_request',
    user: userOf(host, sender),
    project: projectOf(host, repository),
    object_attributes: {
      ...attributesOf(host, pull),
      labels: labels.map((each) => labelOf(repository, each)),
      action: told,
      ...(before === undefined ? {} : { oldrev: before }),
    },
    labels: labels.map((each) => labelOf(repository, each)),
    changes: {
      ...(isDraftChange ? { draft: { previous: !pull.draft, current: pull.draft } } : {}),
      ...(changes?.title === undefined ? {} : { title: { previous: changes.title.from, current: pull.title } }),
      ...(changes?.base === undefined
        ? {}
        : { target_branch: { previous: changes.base.ref.from, current: pull.baseRef } }),
      ...(label === undefined
        ? {}
        : {
            labels: {
              previous: previousLabels(labels, label, action).map((each) => labelOf(repository, each)),
              current: labels.map((each) => labelOf(repository, each)),
            },
          }),
    },
    repository: repositoryOf(host, repository),
  };
}

function previousLabels(now: readonly Label[], label: Label, action: string): readonly Label[] {
  return action === 'labeled' ? now.filter(({ id }) => id !== label.id) : [...now, label];
}

function labelsOf(host: Host, pull: Pull): readonly Label[] {
  return pull.labelIds.flatMap((id) => host.store.labels.find(id) ?? []);
}

function labelOf(repository: Repository, label: Label) {
  return {
    id: label.id,
    title: label.name,
    color: `#${label.color}`,
    project_id: repository.id,
    created_at: timeOf(repository.createdAt),
    updated_at: timeOf(repository.createdAt),
    template: false,
    description: label.description,
    type: 'ProjectLabel',
    group_id: null,
  };
}

function attributesOf(host: Host, pull: Pull) {
  const repository = host.store.repositories.get(pull.repositoryId);
  const source = host.store.repositories.get(pull.headRepositoryId);
  return {
    id: pull.id,
    iid: pull.number,
    author_id: pull.authorId,
    title: pull.draft ? `Draft: ${pull.title}` : pull.title,
    description: pull.body,
    draft: pull.draft,
    work_in_progress: pull.draft,
    source_branch: pull.headRef,
    target_branch: pull.baseRef,
    source_project_id: source.id,
    target_project_id: repository.id,
    state: pull.state === 'open' ? 'opened' : pull.mergedAt === null ? 'closed' : 'merged',
    merge_commit_sha: pull.mergeCommitSha,
    created_at: timeOf(pull.createdAt),
    updated_at: timeOf(pull.updatedAt),
    last_commit: { id: pull.headSha, url: `${projectUrl(host, source)}/commit/${pull.headSha}` },
    source: projectOf(host, source),
    target: projectOf(host, repository),
    url: `${projectUrl(host, repository)}/pull/${pull.number}`,
  };
}

function noteBody(
  host: Host,
  repository: Repository,
  sender: Account,
  { pull, comment, action }: Extract<Happening, { type: 'comment' }>,
) {
  return {
    object_kind: 'note',
    event_type: 'note',
    user: userOf(host, sender),
    project_id: repository.id,
    project: projectOf(host, repository),
    object_attributes: {
      ...noteOf(host, repository, pull, comment),
      action: action === 'created' ? 'create' : 'update',
    },
    repository: repositoryOf(host, repository),
    merge_request: attributesOf(host, pull),
  };
}

function noteOf(
  host: Host,
  repository: Repository,
  pull: Pull,
  comment: Extract<Happening, { type: 'comment' }>['comment'],
) {
  return {
    id: comment.id,
    note: comment.body,
    noteable_type: 'MergeRequest',
    noteable_id: pull.id,
    author_id: comment.authorId,
    created_at: timeOf(comment.createdAt),
    updated_at: timeOf(comment.updatedAt),
    project_id: repository.id,
    system: false,
    type: null,
    url: `${projectUrl(host, repository)}/pull/${pull.number}#note_${comment.id}`,
  };
}

function emojiBody(
  host: Host,
  repository: Repository,
  sender: Account,
  { pull, comment, reaction, change }: Extract<Happening, { type: 'reaction' }>,
) {
  return {
    object_kind: 'emoji',
    event_type: change === 'added' ? 'award' : 'revoke',
    user: userOf(host, sender),
    project_id: repository.id,
    project: projectOf(host, repository),
    object_attributes: {
      id: reaction.id,
      user_id: reaction.accountId,
      name: emojiNames[reaction.content],
      awardable_type: 'Note',
      awardable_id: comment.id,
      created_at: timeOf(reaction.createdAt),
      updated_at: timeOf(reaction.createdAt),
      awarded_on_url: `${projectUrl(host, repository)}/pull/${pull.number}#note_${comment.id}`,
    },
    note: noteOf(host, repository, pull, comment),
    merge_request: attributesOf(host, pull),
  };
}

/** `2026-01-02 03:04:05 UTC` */
function timeOf(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}
