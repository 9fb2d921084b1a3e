import type { components } from '@octokit/openapi-webhooks-types';
import type { Account, App, Installation } from '../../entities.ts';
import { apiUrl, type Host } from '../../host.ts';

/** Opaque, as GitHub's are; ours are a kind and an id in base64. */
export function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(`${kind}:${id}`).toString('base64url')}`;
}

export function simpleUser(host: Host, account: Account) {
  const { login, id, type } = account;
  const api = apiUrl(host, `/users/${encodeURIComponent(login)}`);
  return {
    login,
    id,
    node_id: nodeId(type === 'Organization' ? 'O' : type === 'Bot' ? 'BOT' : 'U', id),
    avatar_url: `${host.url}/avatars/${id}`,
    gravatar_id: '',
    url: api,
    html_url: `${host.url}/${type === 'Bot' ? `apps/${login.replace(/\[bot\]$/, '')}` : login}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
    type,
    user_view_type: 'public',
    site_admin: false,
  } satisfies components['schemas']['simple-user'];
}

export function organizationShape(host: Host, account: Account) {
  const api = apiUrl(host, `/orgs/${encodeURIComponent(account.login)}`);
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId('O', account.id),
    url: api,
    repos_url: `${api}/repos`,
    events_url: `${api}/events`,
    hooks_url: `${api}/hooks`,
    issues_url: `${api}/issues`,
    members_url: `${api}/members{/member}`,
    public_members_url: `${api}/public_members{/member}`,
    avatar_url: `${host.url}/avatars/${account.id}`,
    description: account.name,
  } satisfies components['schemas']['organization-simple-webhooks'];
}

export function appShape(host: Host, app: App) {
  return {
    id: app.id,
    client_id: app.clientId,
    slug: app.slug,
    node_id: nodeId('A', app.id),
    owner: simpleUser(host, host.store.accounts.get(app.ownerId)),
    name: app.name,
    description: '',
    external_url: `${host.url}/apps/${app.slug}`,
    html_url: `${host.url}/apps/${app.slug}`,
    created_at: app.createdAt,
    updated_at: app.createdAt,
    permissions: app.permissions,
    events: app.events,
  } satisfies components['schemas']['integration'];
}

export function installationShape(host: Host, installation: Installation) {
  const app = host.store.apps.get(installation.appId);
  const account = host.store.accounts.get(installation.accountId);
  const isOrganization = account.type === 'Organization';
  return {
    id: installation.id,
    client_id: app.clientId,
    account: simpleUser(host, account),
    repository_selection: 'all',
    access_tokens_url: apiUrl(host, `/app/installations/${installation.id}/access_tokens`),
    repositories_url: apiUrl(host, '/installation/repositories'),
    html_url: `${host.url}/settings/installations/${installation.id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: account.id,
    target_type: isOrganization ? 'Organization' : 'User',
    permissions: installation.permissions,
    events: installation.events,
    created_at: installation.createdAt,
    updated_at: installation.createdAt,
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: null,
    suspended_at: installation.suspendedAt,
  } as const;
}
