import type {
  BranchSchema,
  CommitSchema,
  CommitStatusSchema,
  DeploymentSchema,
  ExpandedMergeRequestSchema,
  MergeRequestNoteSchema,
  ProjectSchema,
  SimpleUserSchema,
} from '@gitbeaker/rest';
import type { BuildStatus, Deployment } from '../check-entities.ts';
import { latestStatus } from '../domain/deployments.ts';
import type { Account, Comment, Pull, Repository } from '../entities.ts';
import type { Commit } from '../git/commit.ts';
import { fullNameOf, type Host, ownerOf } from '../host.ts';

// Answers, checked against gitbeaker's types of them; fields that nobody reads here are left out.

export function projectUrl(host: Host, repository: Repository): string {
  return `${host.url}/${fullNameOf(host, repository)}`;
}

export function userShape(host: Host, account: Account) {
  return {
    id: account.id,
    username: account.login,
    name: account.name ?? account.login,
    state: 'active',
    avatar_url: `${host.url}/avatars/${account.id}`,
    web_url: `${host.url}/${account.login}`,
  } satisfies Omit<SimpleUserSchema, 'created_at'>;
}

export function projectShape(host: Host, repository: Repository) {
  const owner = ownerOf(host, repository);
  const url = projectUrl(host, repository);
  return {
    id: repository.id,
    name: repository.name,
    path: repository.name,
    path_with_namespace: fullNameOf(host, repository),
    name_with_namespace: `${owner.login} / ${repository.name}`,
    description: repository.description ?? '',
    default_branch: repository.defaultBranch,
    visibility: repository.private ? 'private' : 'public',
    web_url: url,
    http_url_to_repo: `${url}.git`,
    created_at: repository.createdAt,
    ...(repository.forkOfId === null ? {} : { forked_from_project: { id: repository.forkOfId } }),
  } satisfies Partial<ProjectSchema>;
}

export function commitShape(commit: Commit, pipelineId: number | undefined) {
  return {
    id: commit.sha,
    short_id: commit.sha.slice(0, 8),
    title: commit.message.split('\n')[0] ?? '',
    message: commit.message,
    author_name: commit.author.name,
    author_email: commit.author.email,
    authored_date: commit.author.date,
    committer_name: commit.committer.name,
    committer_email: commit.committer.email,
    committed_date: commit.committer.date,
    created_at: commit.committer.date,
    parent_ids: [...commit.parents],
    last_pipeline: pipelineId === undefined ? null : { id: pipelineId, sha: commit.sha },
  } satisfies Partial<Omit<CommitSchema, 'last_pipeline'>> & { readonly last_pipeline: object | null };
}

export function branchShape(host: Host, repository: Repository, name: string, commit: Commit) {
  return {
    name,
    default: name === repository.defaultBranch,
    merged: false,
    protected: name === repository.defaultBranch,
    web_url: `${projectUrl(host, repository)}/tree/${name}`,
    commit: commitShape(commit, undefined),
  } satisfies Partial<Omit<BranchSchema, 'commit'>> & { readonly commit: object };
}

export function mergeRequestShape(host: Host, pull: Pull) {
  const repository = host.store.repositories.get(pull.repositoryId);
  const labels = pull.labelIds.flatMap((id) => host.store.labels.find(id)?.name ?? []);
  return {
    id: pull.id,
    iid: pull.number,
    project_id: repository.id,
    title: pull.draft ? `Draft: ${pull.title}` : pull.title,
    description: pull.body,
    state: pull.state === 'open' ? 'opened' : pull.mergedAt === null ? 'closed' : 'merged',
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    merged_at: pull.mergedAt,
    closed_at: pull.mergedAt === null ? pull.closedAt : null,
    source_branch: pull.headRef,
    target_branch: pull.baseRef,
    source_project_id: pull.headRepositoryId,
    target_project_id: pull.repositoryId,
    author: userShape(host, host.store.accounts.get(pull.authorId)),
    labels,
    draft: pull.draft,
    work_in_progress: pull.draft,
    sha: pull.headSha,
    merge_commit_sha: pull.mergeCommitSha,
    squash_commit_sha: null,
    changes_count: String(pull.stats.changedFiles),
    user_notes_count: host.store.comments.list(`${pull.repositoryId}#${pull.number}`).length,
    // The merge base, as GitLab tells it: not where the target branch is now.
    diff_refs: { base_sha: pull.baseSha, head_sha: pull.headSha, start_sha: pull.baseSha },
    web_url: `${projectUrl(host, repository)}/pull/${pull.number}`,
  } satisfies Partial<ExpandedMergeRequestSchema>;
}

export function noteShape(host: Host, pull: Pull, comment: Comment) {
  return {
    id: comment.id,
    type: null,
    body: comment.body,
    author: userShape(host, host.store.accounts.get(comment.authorId)),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    system: false,
    noteable_id: pull.id,
    noteable_iid: pull.number,
    noteable_type: 'MergeRequest',
    resolvable: false,
    confidential: false,
  } satisfies Omit<Partial<MergeRequestNoteSchema>, 'type'> & { readonly type: null };
}

export const statusWords = ['pending', 'running', 'success', 'failed', 'canceled', 'skipped'] as const;
export type StatusWord = (typeof statusWords)[number];

export function statusShape(host: Host, status: BuildStatus) {
  return {
    id: status.id,
    sha: status.sha,
    ref: '',
    name: status.name,
    status: statusWords.find((word) => word === status.state) ?? 'pending',
    description: status.description,
    target_url: status.url,
    created_at: status.createdAt,
    allow_failure: false,
    author: userShape(host, host.store.accounts.get(status.creatorId)),
  } satisfies Omit<Partial<CommitStatusSchema>, 'status'> & { readonly status: StatusWord };
}

const deploymentWords = {
  in_progress: 'running',
  success: 'success',
  failure: 'failed',
  error: 'failed',
  inactive: 'canceled',
  queued: 'created',
  pending: 'created',
} as const;

export function deploymentShape(host: Host, deployment: Deployment) {
  return {
    id: deployment.id,
    iid: deployment.id,
    ref: deployment.ref,
    sha: deployment.sha,
    created_at: deployment.createdAt,
    status: deploymentWords[latestStatus(host, deployment)?.state ?? 'queued'],
    environment: { name: deployment.environment },
    user: userShape(host, host.store.accounts.get(deployment.creatorId)),
  } satisfies Omit<Partial<DeploymentSchema>, 'environment' | 'user'> & {
    readonly environment: object;
    readonly user: object;
  };
}
