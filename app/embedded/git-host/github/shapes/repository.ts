import type { components as Rest } from '@octokit/openapi-types';
import type { components as Hooks } from '@octokit/openapi-webhooks-types';
import type { Access } from '../../access/authorize.ts';
import type { Repository } from '../../entities.ts';
import { apiUrl, type Host, ownerOf } from '../../host.ts';
import { nodeId, simpleUser } from './account.ts';

/** A repository as the API and the webhooks print it. */
export function repositoryShape(host: Host, repository: Repository) {
  const owner = ownerOf(host, repository);
  const fullName = `${owner.login}/${repository.name}`;
  const api = apiUrl(host, `/repos/${fullName}`);
  const html = `${host.url}/${fullName}`;
  const openPulls = host.store.pulls.list(repository.id).filter(({ state }) => state === 'open').length;
  const forks = host.store.repositories.all().filter(({ forkOfId }) => forkOfId === repository.id).length;
  return {
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: fullName,
    private: repository.private,
    owner: simpleUser(host, owner),
    html_url: html,
    description: repository.description,
    fork: repository.forkOfId !== null,
    url: api,
    forks_url: `${api}/forks`,
    keys_url: `${api}/keys{/key_id}`,
    collaborators_url: `${api}/collaborators{/collaborator}`,
    teams_url: `${api}/teams`,
    hooks_url: `${api}/hooks`,
    issue_events_url: `${api}/issues/events{/number}`,
    events_url: `${api}/events`,
    assignees_url: `${api}/assignees{/user}`,
    branches_url: `${api}/branches{/branch}`,
    tags_url: `${api}/tags`,
    blobs_url: `${api}/git/blobs{/sha}`,
    git_tags_url: `${api}/git/tags{/sha}`,
    git_refs_url: `${api}/git/refs{/sha}`,
    trees_url: `${api}/git/trees{/sha}`,
    statuses_url: `${api}/statuses/{sha}`,
    languages_url: `${api}/languages`,
    stargazers_url: `${api}/stargazers`,
    contributors_url: `${api}/contributors`,
    subscribers_url: `${api}/subscribers`,
    subscription_url: `${api}/subscription`,
    commits_url: `${api}/commits{/sha}`,
    git_commits_url: `${api}/git/commits{/sha}`,
    comments_url: `${api}/comments{/number}`,
    issue_comment_url: `${api}/issues/comments{/number}`,
    contents_url: `${api}/contents/{+path}`,
    compare_url: `${api}/compare/{base}...{head}`,
    merges_url: `${api}/merges`,
    archive_url: `${api}/{archive_format}{/ref}`,
    downloads_url: `${api}/downloads`,
    issues_url: `${api}/issues{/number}`,
    pulls_url: `${api}/pulls{/number}`,
    milestones_url: `${api}/milestones{/number}`,
    notifications_url: `${api}/notifications{?since,all,participating}`,
    labels_url: `${api}/labels{/name}`,
    releases_url: `${api}/releases{/id}`,
    deployments_url: `${api}/deployments`,
    created_at: repository.createdAt,
    updated_at: repository.updatedAt,
    pushed_at: repository.pushedAt,
    git_url: `${html.replace(/^http/, 'git')}.git`,
    ssh_url: `git@${new URL(host.url).hostname}:${fullName}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    homepage: null,
    size: 1,
    stargazers_count: 0,
    watchers_count: 0,
    language: null,
    has_issues: true,
    has_projects: false,
    has_downloads: false,
    has_wiki: false,
    has_pages: false,
    has_discussions: false,
    forks_count: forks,
    mirror_url: null,
    archived: false,
    disabled: false,
    open_issues_count: openPulls,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: noTopics(),
    visibility: repository.private ? 'private' : 'public',
    forks,
    open_issues: openPulls,
    watchers: 0,
    default_branch: repository.defaultBranch,
    custom_properties: {},
  } satisfies Rest['schemas']['repository'] & Hooks['schemas']['repository-webhooks'];
}

function noTopics(): string[] {
  return [];
}

/** `GET /repos/{owner}/{repo}`: also what the asking person may do, and where a fork comes from. */
export function fullRepositoryShape(host: Host, repository: Repository, role: Access) {
  const parent = repository.forkOfId === null ? undefined : host.store.repositories.find(repository.forkOfId);
  const shape = repositoryShape(host, repository);
  return {
    ...shape,
    permissions: {
      admin: role === 'admin',
      maintain: role === 'admin',
      push: role === 'admin' || role === 'write',
      triage: role === 'admin' || role === 'write',
      pull: role !== 'none',
    },
    allow_merge_commit: true,
    allow_squash_merge: true,
    allow_rebase_merge: false,
    allow_auto_merge: false,
    delete_branch_on_merge: false,
    network_count: shape.forks_count,
    subscribers_count: 0,
    ...(shape.owner.type === 'Organization' ? { organization: shape.owner } : {}),
    ...(parent === undefined ? {} : { parent: repositoryShape(host, parent), source: repositoryShape(host, parent) }),
  } satisfies Rest['schemas']['full-repository'];
}
