import { z } from 'zod';
import { covers, roleOf } from '../access/authorize.ts';
import { actorOf, type Principal } from '../access/principal.ts';
import { createRepository, forkRepository, setGrant } from '../domain/accounts.ts';
import { type Account, type Repository, Role } from '../entities.ts';
import { isRefName } from '../git/ref-name.ts';
import { apiUrl, fullNameOf, gitOf, type Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { paginate, readBody, repositoryOf } from './api.ts';
import { organizationShape, simpleUser } from './shapes/account.ts';
import { commitShape } from './shapes/commit.ts';
import { fullRepositoryShape, repositoryShape } from './shapes/repository.ts';

const RepositoryBody = z.object({
  name: z.string(),
  private: z.boolean().default(false),
  description: z.string().max(350).nullable().default(null),
});
const RepositoryEdit = RepositoryBody.partial().extend({ default_branch: z.string().optional() });
const metadata = { resource: 'metadata', level: 'read' } as const;
const administer = { resource: 'administration', level: 'write', role: 'admin' } as const;

/** Accounts, repositories and who may do what with them. */
export function addRepositoryRoutes(api: Api, host: Host): void {
  api.get('/user', (c) => {
    const principal = c.get('principal');
    if (principal.type !== 'user')
      throw new Refusal(principal.type === 'anonymous' ? 401 : 403, 'Requires authentication');
    return c.json(userShape(host, principal.account));
  });
  api.get('/users/:login', (c) => c.json(userShape(host, accountOf(host, c.req.param('login')))));
  api.get('/orgs/:login', (c) => {
    const account = accountOf(host, c.req.param('login'));
    if (account.type !== 'Organization') throw notFound();
    return c.json(organizationShape(host, account));
  });

  api.get('/orgs/:login/teams/:slug/memberships/:member', (c) => {
    const organization = accountOf(host, c.req.param('login'));
    const principal = c.get('principal');
    const mayLook =
      principal.type === 'installation'
        ? principal.installation.accountId === organization.id &&
          covers(principal.permissions['members'] ?? 'none', 'read')
        : principal.type === 'user';
    if (!mayLook) throw new Refusal(403, 'Resource not accessible by integration');
    const team = host.store.teams.findByKey(`${organization.id}/${c.req.param('slug')}`);
    if (!team?.memberIds.includes(accountOf(host, c.req.param('member')).id)) throw notFound();
    const url = apiUrl(host, `/organizations/${organization.id}/team/${team.id}/memberships/${c.req.param('member')}`);
    return c.json({ url, role: 'member', state: 'active' });
  });

  const create = async (c: ApiContext, owner: Account): Promise<Response> => {
    const facts = await readBody(c, RepositoryBody, 'Repository');
    const repository = await createRepository(host, owner, facts);
    return c.json(fullRepositoryShape(host, repository, 'admin'), 201);
  };
  api.post('/orgs/:login/repos', async (c) => {
    const owner = accountOf(host, c.req.param('login'));
    const principal = c.get('principal');
    const member = host.store.grants.findByKey(`organization:${owner.id}:${actorOf(principal).account.id}`);
    const mayCreate =
      principal.type === 'installation'
        ? principal.installation.accountId === owner.id &&
          covers(principal.permissions['administration'] ?? 'none', 'write')
        : member?.role === 'admin';
    if (!mayCreate)
      throw new Refusal(403, 'You need admin access to the organization before adding a repository to it.');
    return await create(c, owner);
  });
  api.post('/user/repos', async (c) => {
    const principal = c.get('principal');
    if (principal.type !== 'user') throw new Refusal(401, 'Requires authentication');
    return await create(c, principal.account);
  });
  for (const path of ['/orgs/:login/repos', '/users/:login/repos'] as const)
    api.get(path, (c) => {
      const owner = accountOf(host, c.req.param('login'));
      const repositories = host.store.repositories
        .list(owner.id)
        .filter((each) => roleFor(host, each, c.get('principal')) !== 'none');
      return c.json(paginate(c, repositories).map((each) => repositoryShape(host, each)));
    });

  api.get('/repos/:owner/:repo', (c) => {
    const repository = repositoryOf(host, c, metadata);
    return c.json(fullRepositoryShape(host, repository, roleFor(host, repository, c.get('principal'))));
  });
  api.patch('/repos/:owner/:repo', async (c) => {
    const repository = repositoryOf(host, c, administer);
    const edit = await readBody(c, RepositoryEdit, 'Repository');
    const branch = edit.default_branch ?? repository.defaultBranch;
    if (branch !== repository.defaultBranch) {
      if (!isRefName(branch) || repository.announcedRefs[`refs/heads/${branch}`] === undefined)
        throw new Refusal(
          422,
          `The branch ${branch.slice(0, 100)} was not found. Please push that ref first or create it via the Git Data API.`,
        );
      await gitOf(host, repository.id).setDefaultBranch(branch);
    }
    const saved = host.store.repositories.save({
      ...host.store.repositories.get(repository.id),
      name: edit.name ?? repository.name,
      private: edit.private ?? repository.private,
      description: edit.description === undefined ? repository.description : edit.description,
      defaultBranch: branch,
    });
    return c.json(fullRepositoryShape(host, saved, 'admin'));
  });

  api.get('/repos/:owner/:repo/branches', (c) => {
    const repository = repositoryOf(host, c, { resource: 'contents', level: 'read' });
    const heads = Object.entries(repository.announcedRefs).filter(([ref]) => ref.startsWith('refs/heads/'));
    return c.json(
      paginate(c, heads).map(([ref, sha]) => ({
        name: ref.slice('refs/heads/'.length),
        commit: { sha, url: apiUrl(host, `/repos/${fullNameOf(host, repository)}/commits/${sha}`) },
        protected: isProtected(repository, ref.slice('refs/heads/'.length)),
      })),
    );
  });
  api.get('/repos/:owner/:repo/branches/:branch{.+}', async (c) => {
    const repository = repositoryOf(host, c, { resource: 'contents', level: 'read' });
    const name = c.req.param('branch');
    const commit = isRefName(name) ? await gitOf(host, repository.id).commit(`refs/heads/${name}`) : undefined;
    if (commit === undefined) throw new Refusal(404, 'Branch not found');
    const url = apiUrl(host, `/repos/${fullNameOf(host, repository)}/branches/${encodeURIComponent(name)}`);
    const contexts = repository.requiredChecks[name] ?? [];
    return c.json({
      name,
      commit: commitShape(host, repository, commit),
      _links: { self: url, html: `${host.url}/${fullNameOf(host, repository)}/tree/${name}` },
      protected: isProtected(repository, name),
      protection: {
        enabled: contexts.length > 0,
        required_status_checks: { enforcement_level: contexts.length > 0 ? 'everyone' : 'off', contexts, checks: [] },
      },
      protection_url: `${url}/protection`,
    });
  });

  api.get('/repos/:owner/:repo/tags', async (c) => {
    const repository = repositoryOf(host, c, { resource: 'contents', level: 'read' });
    const at = apiUrl(host, `/repos/${fullNameOf(host, repository)}`);
    return c.json(
      paginate(c, await gitOf(host, repository.id).tags()).map(({ name, sha }) => ({
        name,
        commit: { sha, url: `${at}/commits/${sha}` },
        zipball_url: `${at}/zipball/refs/tags/${name}`,
        tarball_url: `${at}/tarball/refs/tags/${name}`,
        node_id: Buffer.from(`Ref:${repository.id}:${name}`).toString('base64'),
      })),
    );
  });

  api.get('/repos/:owner/:repo/collaborators/:login/permission', (c) => {
    const repository = repositoryOf(host, c, metadata);
    const account = accountOf(host, c.req.param('login'));
    const permission = roleOf(host, repository, account.id);
    return c.json({
      permission,
      role_name: permission,
      user: { ...simpleUser(host, account), permissions: {}, role_name: permission },
    });
  });
  api.get('/repos/:owner/:repo/collaborators/:login', (c) => {
    const repository = repositoryOf(host, c, metadata);
    const account = accountOf(host, c.req.param('login'));
    if (!covers(roleOf(host, { ...repository, private: true }, account.id), 'read')) throw notFound();
    return c.body(null, 204);
  });
  api.put('/repos/:owner/:repo/collaborators/:login', async (c) => {
    const repository = repositoryOf(host, c, administer);
    const { permission } = await readBody(
      c,
      z.object({ permission: z.enum(['pull', 'push', 'admin', 'read', 'write']).default('push') }),
      'Repository',
    );
    const role = permission === 'pull' ? 'read' : permission === 'push' ? 'write' : Role.parse(permission);
    setGrant(host, 'repository', repository.id, accountOf(host, c.req.param('login')).id, role);
    // GitHub invites; here everyone accepts at once.
    return c.body(null, 204);
  });
  api.delete('/repos/:owner/:repo/collaborators/:login', (c) => {
    const repository = repositoryOf(host, c, administer);
    const account = accountOf(host, c.req.param('login'));
    const grant = host.store.grants.findByKey(`repository:${repository.id}:${account.id}`);
    if (grant) host.store.grants.delete(grant.id);
    return c.body(null, 204);
  });

  api.post('/repos/:owner/:repo/forks', async (c) => {
    const repository = repositoryOf(host, c, { resource: 'administration', level: 'write', role: 'read' });
    const fork = await forkRepository(host, repository, actorOf(c.get('principal')));
    return c.json(fullRepositoryShape(host, fork, 'admin'), 202);
  });
}

function isProtected(repository: Repository, branch: string): boolean {
  return (repository.requiredChecks[branch] ?? []).length > 0;
}

function accountOf(host: Host, login: string): Account {
  const account = host.store.accounts.findByKey(login.toLowerCase());
  if (account === undefined) throw notFound();
  return account;
}

function roleFor(host: Host, repository: Repository, principal: Principal) {
  switch (principal.type) {
    case 'user':
      return roleOf(host, repository, principal.account.id);
    case 'installation':
      return repository.ownerId === principal.installation.accountId
        ? (principal.permissions['contents'] ?? 'read')
        : roleOf(host, repository, principal.bot.id);
    default:
      return repository.private ? 'none' : 'read';
  }
}

function userShape(host: Host, account: Account) {
  return {
    ...simpleUser(host, account),
    name: account.name,
    company: null,
    blog: '',
    location: null,
    email: null,
    hireable: null,
    bio: null,
    public_repos: host.store.repositories.list(account.id).filter((each) => !each.private).length,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: account.createdAt,
    updated_at: account.createdAt,
  };
}
