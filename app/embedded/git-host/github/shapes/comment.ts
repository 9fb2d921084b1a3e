import type { components as Rest } from '@octokit/openapi-types';
import type { components as Hooks } from '@octokit/openapi-webhooks-types';
import { associationOf } from '../../access/authorize.ts';
import type { Comment, Pull, Reaction, ReactionContent } from '../../entities.ts';
import { apiUrl, fullNameOf, type Host } from '../../host.ts';
import { appShape, nodeId, simpleUser } from './account.ts';
import { labelShape, pullUrls } from './pull.ts';

export function reactionShape(host: Host, reaction: Reaction) {
  return {
    id: reaction.id,
    node_id: nodeId('REA', reaction.id),
    user: simpleUser(host, host.store.accounts.get(reaction.accountId)),
    content: reaction.content,
    created_at: reaction.createdAt,
  } satisfies Rest['schemas']['reaction'];
}

function reactionRollup(host: Host, subject: string, url: string) {
  const reactions = host.store.reactions.list(subject);
  const count = (content: ReactionContent): number => reactions.filter((each) => each.content === content).length;
  return {
    url,
    total_count: reactions.length,
    '+1': count('+1'),
    '-1': count('-1'),
    laugh: count('laugh'),
    confused: count('confused'),
    heart: count('heart'),
    hooray: count('hooray'),
    rocket: count('rocket'),
    eyes: count('eyes'),
  } satisfies Rest['schemas']['reaction-rollup'];
}

export function commentShape(host: Host, comment: Comment) {
  const repository = host.store.repositories.get(comment.repositoryId);
  const fullName = fullNameOf(host, repository);
  const url = apiUrl(host, `/repos/${fullName}/issues/comments/${comment.id}`);
  return {
    url,
    html_url: `${host.url}/${fullName}/pull/${comment.number}#issuecomment-${comment.id}`,
    issue_url: apiUrl(host, `/repos/${fullName}/issues/${comment.number}`),
    id: comment.id,
    node_id: nodeId('IC', comment.id),
    user: simpleUser(host, host.store.accounts.get(comment.authorId)),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    body: comment.body,
    author_association: associationOf(host, repository, comment.authorId),
    reactions: reactionRollup(host, `comment:${comment.id}`, `${url}/reactions`),
    performed_via_github_app: comment.appId === null ? null : appShape(host, host.store.apps.get(comment.appId)),
  } satisfies Rest['schemas']['issue-comment'] & Hooks['schemas']['webhook-issue-comment-created']['comment'];
}

/** A pull request seen as an issue, which is how comments and labels reach it. */
export function issueShape(host: Host, pull: Pull) {
  const repository = host.store.repositories.get(pull.repositoryId);
  const { api, html, issue } = pullUrls(host, pull);
  return {
    url: issue,
    repository_url: apiUrl(host, `/repos/${fullNameOf(host, repository)}`),
    labels_url: `${issue}/labels{/name}`,
    comments_url: `${issue}/comments`,
    events_url: `${issue}/events`,
    html_url: html,
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    number: pull.number,
    title: pull.title,
    user: simpleUser(host, host.store.accounts.get(pull.authorId)),
    labels: pull.labelIds.flatMap((id) => host.store.labels.find(id) ?? []).map((label) => labelShape(host, label)),
    state: pull.state,
    locked: false,
    assignee: null,
    assignees: [],
    milestone: null,
    comments: host.store.comments.list(`${pull.repositoryId}#${pull.number}`).length,
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    author_association: associationOf(host, repository, pull.authorId),
    active_lock_reason: null,
    draft: pull.draft,
    pull_request: {
      url: api,
      html_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      merged_at: pull.mergedAt,
    },
    body: pull.body,
    reactions: reactionRollup(host, `pull:${pull.id}`, `${issue}/reactions`),
    timeline_url: `${issue}/timeline`,
    performed_via_github_app: null,
    state_reason: null,
  } satisfies Hooks['schemas']['webhook-issue-comment-created']['issue'] & Rest['schemas']['issue'];
}
