import { rm } from 'node:fs/promises';
import { covers, roleOf } from '../access/authorize.ts';
import type { Account, Repository, Role } from '../entities.ts';
import { type Actor, findRepository, gitOf, type Host, timestamp } from '../host.ts';
import { validationFailed } from '../refusal.ts';

const names = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$/;
const repositoryNames = /^(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}$/;
/** First parts of paths that the host itself answers. */
const reserved = new Set([
  'api',
  'apps',
  'avatars',
  'sign-in',
  'sign-out',
  'settings',
  'assets',
  'orgs',
  'users',
  'login',
  'oauth',
  'site',
]);

/** The account of that login, made when there is none. @throws Refusal 422 for a bad or taken name */
export function ensureAccount(host: Host, login: string, type: Account['type']): Account {
  const known = host.store.accounts.findByKey(login.toLowerCase());
  if (known?.type === type) return known;
  const plain = type === 'Bot' ? login.replace(/\[bot\]$/, '') : login;
  if (known || !names.test(plain) || reserved.has(login.toLowerCase()))
    throw validationFailed({ resource: 'User', field: 'login', code: known ? 'already_exists' : 'invalid' });
  return host.store.accounts.insert({ login, type, name: null, createdAt: timestamp(host.now()) });
}

export function setGrant(
  host: Host,
  scope: 'organization' | 'repository',
  onId: number,
  accountId: number,
  role: Role,
): void {
  const known = host.store.grants.findByKey(`${scope}:${onId}:${accountId}`);
  if (known) host.store.grants.save({ ...known, role });
  else host.store.grants.insert({ scope, onId, accountId, role });
}

/** @throws Refusal 422 for a bad or taken name */
export async function createRepository(
  host: Host,
  owner: Account,
  facts: {
    readonly name: string;
    readonly private: boolean;
    readonly description: string | null;
    readonly forkOf?: Repository;
  },
): Promise<Repository> {
  if (!repositoryNames.test(facts.name))
    throw validationFailed({ resource: 'Repository', field: 'name', code: 'invalid' });
  if (findRepository(host, owner.login, facts.name))
    throw validationFailed({
      resource: 'Repository',
      field: 'name',
      code: 'custom',
      message: 'name already exists on this account',
    });
  const now = timestamp(host.now());
  const repository = host.store.repositories.insert({
    ownerId: owner.id,
    name: facts.name,
    description: facts.description,
    private: facts.private,
    defaultBranch: facts.forkOf?.defaultBranch ?? 'main',
    forkOfId: facts.forkOf?.id ?? null,
    lastNumber: 0,
    announcedRefs: {},
    requiredChecks: {},
    queuedBranches: [],
    createdAt: now,
    updatedAt: now,
    pushedAt: now,
  });
  try {
    await gitOf(host, repository.id).create(repository.defaultBranch);
  } catch (error) {
    host.store.repositories.delete(repository.id);
    throw error;
  }
  return repository;
}

/** A copy under the person's own account; the same one when they have forked before. */
export async function forkRepository(host: Host, source: Repository, actor: Actor): Promise<Repository> {
  const known = host.store.repositories.list(actor.account.id).find((each) => each.forkOfId === source.id);
  if (known) return known;
  const fork = await createRepository(host, actor.account, {
    name: source.name,
    private: source.private,
    description: source.description,
    forkOf: source,
  });
  const git = gitOf(host, fork.id);
  try {
    await git.git([
      'fetch',
      '--quiet',
      gitOf(host, source.id).path,
      '+refs/heads/*:refs/heads/*',
      '+refs/tags/*:refs/tags/*',
    ]);
  } catch (error) {
    await rm(git.path, { recursive: true, force: true });
    host.store.repositories.delete(fork.id);
    throw error;
  }
  // A fork's first refs are no pushes.
  return host.store.repositories.save({ ...host.store.repositories.get(fork.id), announcedRefs: await git.refs() });
}

export function visibleRepositories(host: Host, account: Account): Repository[] {
  return host.store.repositories.all().filter((each) => covers(roleOf(host, each, account.id), 'read'));
}
