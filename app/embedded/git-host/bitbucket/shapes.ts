import { accountByEmail } from '../domain/push-events.ts';
import type { Account, Comment, Pull, Repository } from '../entities.ts';
import type { Commit } from '../git/commit.ts';
import { fullNameOf, type Host, ownerOf } from '../host.ts';
import { accountIdOf, shortHash, timeOf, uuidOf } from './identity.ts';
import { markup } from './markup.ts';
import type { Published } from './published.ts';

export function repositoryUrl(host: Host, repository: Repository): string {
  return `${host.url}/2.0/repositories/${fullNameOf(host, repository)}`;
}

function pageUrl(host: Host, repository: Repository): string {
  return `${host.url}/${fullNameOf(host, repository)}`;
}

export function accountShape(host: Host, account: Account) {
  return {
    display_name: account.name ?? account.login,
    links: {
      self: { href: `${host.url}/2.0/users/${encodeURIComponent(uuidOf(account.id))}` },
      avatar: { href: `${host.url}/avatars/${account.id}` },
      html: { href: `${host.url}/${encodeURIComponent(uuidOf(account.id))}/` },
    },
    type: 'user',
    uuid: uuidOf(account.id),
    account_id: accountIdOf(account.id),
    nickname: account.login,
  } satisfies Published<'user'>;
}

/** As pull requests name the repositories at their ends. */
export function repositoryName(host: Host, repository: Repository) {
  return {
    type: 'repository',
    full_name: fullNameOf(host, repository),
    links: {
      self: { href: repositoryUrl(host, repository) },
      html: { href: pageUrl(host, repository) },
      avatar: { href: `${host.url}/avatars/${repository.ownerId}` },
    },
    name: repository.name,
    uuid: uuidOf(repository.id),
  } satisfies Published<'repository'>;
}

export function repositoryShape(host: Host, repository: Repository) {
  const owner = ownerOf(host, repository);
  return {
    ...repositoryName(host, repository),
    scm: 'git',
    owner: accountShape(host, owner),
    workspace: {
      type: 'workspace',
      uuid: uuidOf(owner.id),
      name: owner.name ?? owner.login,
      slug: owner.login,
      links: { self: { href: `${host.url}/2.0/workspaces/${owner.login}` } },
    },
    is_private: repository.private,
  } satisfies Published<'repository'>;
}

/** What the API adds to it. */
export function fullRepositoryShape(host: Host, repository: Repository) {
  const hasMain = repository.announcedRefs[`refs/heads/${repository.defaultBranch}`] !== undefined;
  return {
    ...repositoryShape(host, repository),
    description: repository.description ?? '',
    created_on: timeOf(repository.createdAt),
    updated_on: timeOf(repository.updatedAt),
    // None in an empty repository; the published type knows no null.
    ...(hasMain ? { mainbranch: { type: 'branch', name: repository.defaultBranch } } : {}),
    ...(repository.forkOfId === null
      ? {}
      : { parent: repositoryName(host, host.store.repositories.get(repository.forkOfId)) }),
  } satisfies Published<'repository'>;
}

export function commitShape(host: Host, repository: Repository, commit: Commit) {
  const links = (sha: string) => ({
    self: { href: `${repositoryUrl(host, repository)}/commit/${sha}` },
    html: { href: `${pageUrl(host, repository)}/commits/${sha}` },
  });
  const login = accountByEmail(host, commit.author.email);
  const user = login === undefined ? undefined : host.store.accounts.findByKey(login.toLowerCase());
  return {
    type: 'commit',
    hash: commit.sha,
    date: timeOf(commit.committer.date),
    author: {
      type: 'author',
      raw: `${commit.author.name} <${commit.author.email}>`,
      ...(user === undefined ? {} : { user: accountShape(host, user) }),
    },
    message: `${commit.message}\n`,
    summary: renderedShape(`${commit.message}\n`),
    links: links(commit.sha),
    parents: commit.parents.map((sha) => ({ type: 'commit', hash: sha, links: links(sha) })),
  } as const;
}

function renderedShape(raw: string) {
  return { type: 'rendered', raw, markup: 'markdown', html: markup(raw) } as const;
}

export function pullShape(host: Host, pull: Pull) {
  const repository = host.store.repositories.get(pull.repositoryId);
  const self = `${repositoryUrl(host, repository)}/pullrequests/${pull.number}`;
  const side = (repositoryId: number, branch: string, sha: string) => {
    const of = host.store.repositories.get(repositoryId);
    return {
      branch: { name: branch },
      commit: {
        type: 'commit',
        hash: shortHash(sha),
        links: {
          self: { href: `${repositoryUrl(host, of)}/commit/${shortHash(sha)}` },
          html: { href: `${pageUrl(host, of)}/commits/${shortHash(sha)}` },
        },
      },
      repository: repositoryName(host, of),
    };
  };
  const comments = host.store.comments.list(`${pull.repositoryId}#${pull.number}`);
  return {
    type: 'pullrequest',
    id: pull.number,
    title: pull.title,
    description: pull.body ?? '',
    rendered: { title: renderedShape(pull.title), description: renderedShape(pull.body ?? '') },
    state: pull.state === 'open' ? 'OPEN' : pull.mergedAt === null ? 'DECLINED' : 'MERGED',
    draft: pull.draft,
    merge_commit: pull.mergeCommitSha === null ? null : { type: 'commit', hash: shortHash(pull.mergeCommitSha) },
    close_source_branch: false,
    closed_by: pull.mergedById === null ? null : accountShape(host, host.store.accounts.get(pull.mergedById)),
    author: accountShape(host, host.store.accounts.get(pull.authorId)),
    reason: '',
    created_on: timeOf(pull.createdAt),
    updated_on: timeOf(pull.updatedAt),
    destination: side(pull.repositoryId, pull.baseRef, pull.baseSha),
    source: side(pull.headRepositoryId, pull.headRef, pull.headSha),
    reviewers: [],
    participants: [],
    comment_count: comments.filter(({ isDeleted }) => isDeleted !== true).length,
    task_count: 0,
    links: {
      self: { href: self },
      html: { href: `${pageUrl(host, repository)}/pull/${pull.number}` },
      commits: { href: `${self}/commits` },
      comments: { href: `${self}/comments` },
      merge: { href: `${self}/merge` },
      decline: { href: `${self}/decline` },
      statuses: { href: `${self}/statuses` },
      diffstat: { href: diffStatUrl(host, pull) },
    },
    summary: renderedShape(pull.body ?? ''),
  } as const;
}

/** Where the diffstat of a pull request stands: head, then base, and the pull request that knows both. */
export function diffStatUrl(host: Host, pull: Pull): string {
  const head = fullNameOf(host, host.store.repositories.get(pull.headRepositoryId));
  const spec = `${head}:${shortHash(pull.headSha)}%0D${shortHash(pull.baseSha)}`;
  const repository = host.store.repositories.get(pull.repositoryId);
  return `${repositoryUrl(host, repository)}/diffstat/${spec}?from_pullrequest_id=${pull.number}`;
}

export function commentShape(host: Host, pull: Pull, comment: Comment) {
  const repository = host.store.repositories.get(pull.repositoryId);
  const self = `${repositoryUrl(host, repository)}/pullrequests/${pull.number}`;
  return {
    type: 'pullrequest_comment',
    id: comment.id,
    created_on: timeOf(comment.createdAt),
    updated_on: timeOf(comment.updatedAt),
    content: renderedShape(comment.body),
    user: accountShape(host, host.store.accounts.get(comment.authorId)),
    deleted: comment.isDeleted === true,
    pullrequest: {
      type: 'pullrequest',
      id: pull.number,
      title: pull.title,
      links: { self: { href: self }, html: { href: `${pageUrl(host, repository)}/pull/${pull.number}` } },
    },
    links: {
      self: { href: `${self}/comments/${comment.id}` },
      html: { href: `${pageUrl(host, repository)}/pull/${pull.number}#comment-${comment.id}` },
    },
  } as const satisfies Published<'pullrequest_comment'>;
}
