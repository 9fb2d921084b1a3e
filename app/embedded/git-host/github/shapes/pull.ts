import type { components as Rest } from '@octokit/openapi-types';
import type { components as Hooks } from '@octokit/openapi-webhooks-types';
import { associationOf } from '../../access/authorize.ts';
import type { Label, Pull } from '../../entities.ts';
import { apiUrl, fullNameOf, type Host } from '../../host.ts';
import { nodeId, simpleUser } from './account.ts';
import { repositoryShape } from './repository.ts';

export function labelShape(host: Host, label: Label) {
  const fullName = fullNameOf(host, host.store.repositories.get(label.repositoryId));
  return {
    id: label.id,
    node_id: nodeId('LA', label.id),
    url: apiUrl(host, `/repos/${fullName}/labels/${encodeURIComponent(label.name)}`),
    name: label.name,
    description: label.description ?? '',
    color: label.color,
    default: false,
  };
}

export function pullUrls(
  host: Host,
  pull: Pull,
): { readonly api: string; readonly html: string; readonly issue: string } {
  const fullName = fullNameOf(host, host.store.repositories.get(pull.repositoryId));
  return {
    api: apiUrl(host, `/repos/${fullName}/pulls/${pull.number}`),
    html: `${host.url}/${fullName}/pull/${pull.number}`,
    issue: apiUrl(host, `/repos/${fullName}/issues/${pull.number}`),
  };
}

/** One pull request in a list. */
export function simplePullShape(host: Host, pull: Pull) {
  const { api, html, issue } = pullUrls(host, pull);
  const repository = host.store.repositories.get(pull.repositoryId);
  const repositoryApi = apiUrl(host, `/repos/${fullNameOf(host, repository)}`);
  const statuses = `${repositoryApi}/statuses/${pull.headSha}`;
  const side = (repositoryId: number, ref: string, sha: string) => {
    const shape = repositoryShape(host, host.store.repositories.get(repositoryId));
    return { label: `${shape.owner.login}:${ref}`, ref, sha, user: shape.owner, repo: shape };
  };
  return {
    url: api,
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: issue,
    number: pull.number,
    state: pull.state,
    locked: false,
    title: pull.title,
    user: simpleUser(host, host.store.accounts.get(pull.authorId)),
    body: pull.body,
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    merged_at: pull.mergedAt,
    merge_commit_sha: pull.mergeCommitSha,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    labels: pull.labelIds.flatMap((id) => host.store.labels.find(id) ?? []).map((label) => labelShape(host, label)),
    milestone: null,
    draft: pull.draft,
    commits_url: `${api}/commits`,
    review_comments_url: `${api}/comments`,
    review_comment_url: `${repositoryApi}/pulls/comments{/number}`,
    comments_url: `${issue}/comments`,
    statuses_url: statuses,
    head: side(pull.headRepositoryId, pull.headRef, pull.headSha),
    base: side(pull.repositoryId, pull.baseRef, pull.baseSha),
    _links: {
      self: { href: api },
      html: { href: html },
      issue: { href: issue },
      comments: { href: `${issue}/comments` },
      review_comments: { href: `${api}/comments` },
      review_comment: { href: `${repositoryApi}/pulls/comments{/number}` },
      commits: { href: `${api}/commits` },
      statuses: { href: statuses },
    },
    author_association: associationOf(host, repository, pull.authorId),
    auto_merge: null,
    active_lock_reason: null,
  } satisfies Rest['schemas']['pull-request-simple'];
}

/** One pull request by itself. @param mergeable null while unknown, as it is in webhooks */
export function pullShape(host: Host, pull: Pull, mergeable: boolean | null) {
  const comments = host.store.comments.list(`${pull.repositoryId}#${pull.number}`).length;
  return {
    ...simplePullShape(host, pull),
    merged: pull.mergedAt !== null,
    mergeable,
    rebaseable: mergeable,
    mergeable_state: mergeable === null ? 'unknown' : mergeable ? 'clean' : 'dirty',
    merged_by: pull.mergedById === null ? null : simpleUser(host, host.store.accounts.get(pull.mergedById)),
    comments,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: pull.stats.commits,
    additions: pull.stats.additions,
    deletions: pull.stats.deletions,
    changed_files: pull.stats.changedFiles,
  } satisfies Rest['schemas']['pull-request'] & Omit<Hooks['schemas']['pull-request-webhook'], 'labels'>;
}

/** How check runs and suites name the pull requests they belong to; of the same repository only, as at GitHub. */
export function minimalPullsAt(host: Host, repositoryId: number, headSha: string) {
  const repository = host.store.repositories.get(repositoryId);
  const repo = {
    id: repository.id,
    url: apiUrl(host, `/repos/${fullNameOf(host, repository)}`),
    name: repository.name,
  };
  return host.store.pulls
    .list(repositoryId)
    .filter((pull) => pull.state === 'open' && pull.headSha === headSha && pull.headRepositoryId === repositoryId)
    .map((pull) => ({
      url: pullUrls(host, pull).api,
      id: pull.id,
      number: pull.number,
      head: { ref: pull.headRef, sha: pull.headSha, repo },
      base: { ref: pull.baseRef, sha: pull.baseSha, repo },
    }));
}
