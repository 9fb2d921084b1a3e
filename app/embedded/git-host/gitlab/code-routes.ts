import { z } from 'zod';
import { roleOf } from '../access/authorize.ts';
import { actorOf } from '../access/principal.ts';
import { forkRepository } from '../domain/accounts.ts';
import { announceRefs } from '../domain/refs.ts';
import type { Account } from '../entities.ts';
import { changedFiles } from '../git/changes.ts';
import { changedTree, type FileChange } from '../git/commit-files.ts';
import { isRefName } from '../git/ref-name.ts';
import { gitOf, type Host } from '../host.ts';
import { Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { page, projectOf, readFields } from './api.ts';
import { branchShape, commitShape, mergeRequestShape, projectShape, userShape } from './shapes.ts';
import { newestPipeline } from './status-routes.ts';

const read = { resource: 'contents', level: 'read' } as const;
const metadata = { resource: 'metadata', level: 'read' } as const;
const base = '/projects/:project';
const repositoryPath = `${base}/repository` as const;
const NewCommit = z.object({
  branch: z.string(),
  commit_message: z.string().min(1),
  start_sha: z.string(),
  actions: z.array(
    z.object({
      action: z.enum(['create', 'update', 'delete', 'chmod']),
      file_path: z.string().min(1),
      content: z.string().default(''),
      encoding: z.enum(['text', 'base64']).default('text'),
      execute_filemode: z.boolean().optional(),
    }),
  ),
});
const maxFileBytes = 100 * 2 ** 20;
const levels = { none: 0, read: 20, write: 30, admin: 40 } as const;

/** People, projects, branches, files and differences. */
export function addCodeRoutes(api: Api, host: Host): void {
  api.get('/user', (c) => c.json(userShape(host, actorOf(c.get('principal')).account)));
  api.get('/users', (c) => {
    actorOf(c.get('principal'));
    const account = host.store.accounts.findByKey((c.req.query('username') ?? '').toLowerCase());
    return c.json(page(c, account?.type === 'User' ? [userShape(host, account)] : []));
  });

  api.get(base, (c) => c.json(projectShape(host, projectOf(host, c, metadata))));
  api.get(`${base}/members/all/:user`, (c) => {
    const project = projectOf(host, c, metadata);
    const account = accountIn(host, c);
    // Only what was given counts: that anybody reads a public project makes nobody a member.
    const role = account === undefined ? 'none' : roleOf(host, { ...project, private: true }, account.id);
    if (account === undefined || role === 'none') throw new Refusal(404, '404 Not found');
    return c.json({ ...userShape(host, account), access_level: levels[role], membership_state: 'active' });
  });
  api.get('/groups/:group/members/all/:user', (c) => {
    actorOf(c.get('principal'));
    const [organization = '', slug = ''] = c.req.param('group').split('/');
    const owner = host.store.accounts.findByKey(organization.toLowerCase());
    const team = owner === undefined ? undefined : host.store.teams.findByKey(`${owner.id}/${slug}`);
    if (team === undefined) throw new Refusal(404, '404 Group Not Found');
    const account = accountIn(host, c);
    if (account === undefined || !team.memberIds.includes(account.id)) throw new Refusal(404, '404 Not found');
    return c.json({ ...userShape(host, account), access_level: levels.write, membership_state: 'active' });
  });
  api.post(`${base}/fork`, async (c) => {
    const fork = await forkRepository(host, projectOf(host, c, metadata), actorOf(c.get('principal')));
    return c.json(projectShape(host, fork), 201);
  });

  api.get(`${repositoryPath}/branches`, async (c) => {
    const project = projectOf(host, c, read);
    const git = gitOf(host, project.id);
    const heads = Object.entries(await git.refs()).filter(([ref]) => ref.startsWith('refs/heads/'));
    const shapes = page(c, heads).map(async ([ref, sha]) => {
      const commit = await git.commit(sha);
      return commit === undefined ? [] : [branchShape(host, project, ref.slice('refs/heads/'.length), commit)];
    });
    return c.json((await Promise.all(shapes)).flat());
  });
  api.get(`${repositoryPath}/branches/:branch`, async (c) => {
    const project = projectOf(host, c, read);
    const name = c.req.param('branch');
    const commit = isRefName(name) ? await gitOf(host, project.id).commit(`refs/heads/${name}`) : undefined;
    if (commit === undefined) throw new Refusal(404, '404 Branch Not Found');
    return c.json(branchShape(host, project, name, commit));
  });

  api.get(`${repositoryPath}/tags`, async (c) => {
    const project = projectOf(host, c, read);
    const git = gitOf(host, project.id);
    const shapes = page(c, await git.tags()).map(async ({ name, sha }) => {
      const commit = await git.commit(sha);
      return commit === undefined
        ? []
        : [{ name, target: sha, protected: false, commit: commitShape(commit, undefined) }];
    });
    return c.json((await Promise.all(shapes)).flat());
  });

  api.post(`${repositoryPath}/commits`, async (c) => {
    const project = projectOf(host, c, { resource: 'contents', level: 'write' });
    const { branch, commit_message: message, start_sha, actions } = await readFields(c, NewCommit);
    const git = gitOf(host, project.id);
    const parent = await git.resolve(start_sha);
    if (!isRefName(branch) || parent === undefined)
      throw new Refusal(400, 'You can only create or edit files when you are on a branch');
    if ((await git.resolve(`refs/heads/${branch}`)) !== undefined)
      throw new Refusal(
        400,
        `A branch called '${branch}' already exists. Switch to that branch in order to make changes`,
      );
    const actor = actorOf(c.get('principal'));
    const tree = await changedTree(git, parent, actions.map(changeOf));
    const sha = await git.writeCommit({
      tree,
      parents: [parent],
      message,
      author: { name: actor.account.login, email: `${actor.account.login}@users.noreply.localhost` },
      at: host.now(),
    });
    await git.git(['update-ref', `refs/heads/${branch}`, sha]);
    await announceRefs(host, project.id, actor);
    const made = await git.commit(sha);
    return c.json(made === undefined ? {} : commitShape(made, undefined), 201);
  });
  api.get(`${repositoryPath}/commits/:sha`, async (c) => {
    const project = projectOf(host, c, read);
    const commit = await gitOf(host, project.id).commit(c.req.param('sha'));
    if (commit === undefined) throw new Refusal(404, '404 Commit Not Found');
    return c.json(commitShape(commit, newestPipeline(host, project.id, commit.sha)));
  });
  api.get(`${repositoryPath}/commits/:sha/merge_requests`, (c) => {
    const project = projectOf(host, c, read);
    const sha = c.req.param('sha');
    const pulls = host.store.pulls
      .list(project.id)
      .filter((pull) => pull.headSha === sha || pull.mergeCommitSha === sha);
    return c.json(page(c, pulls).map((pull) => mergeRequestShape(host, pull)));
  });

  api.get(`${repositoryPath}/files/:path/raw`, async (c) => {
    const project = projectOf(host, c, read);
    const git = gitOf(host, project.id);
    const sha = await git.resolve(c.req.query('ref') ?? project.defaultBranch);
    if (sha === undefined) throw new Refusal(404, '404 Commit Not Found');
    const path = c.req.param('path');
    const [entry] = await git.tree(sha, { recursive: false, path });
    if (entry?.path !== path || entry.type !== 'blob') throw new Refusal(404, '404 File Not Found');
    const bytes = await git.blob(entry.sha, maxFileBytes);
    return c.body(new Uint8Array(bytes), 200, { 'content-type': 'text/plain; charset=utf-8' });
  });

  api.get(`${repositoryPath}/tree`, async (c) => {
    const project = projectOf(host, c, read);
    const git = gitOf(host, project.id);
    const sha = await git.resolve(c.req.query('ref') ?? project.defaultBranch);
    if (sha === undefined) throw new Refusal(404, '404 Tree Not Found');
    const entries = await git.tree(sha, { recursive: c.req.query('recursive') === 'true' });
    return c.json(
      page(c, entries).map(({ sha: id, type, path, mode }) => ({ id, name: path.split('/').at(-1), type, path, mode })),
    );
  });

  api.get(`${repositoryPath}/compare`, async (c) => {
    const project = projectOf(host, c, read);
    const git = gitOf(host, project.id);
    const [from, to] = await Promise.all(['from', 'to'].map((side) => git.resolve(c.req.query(side) ?? '')));
    if (from === undefined || to === undefined) throw new Refusal(404, '404 Ref Not Found');
    const start = c.req.query('straight') === 'true' ? from : await git.mergeBase(from, to);
    const [files, commits] = await Promise.all([
      changedFiles(git, start, to),
      git.log([`${from}..${to}`], { limit: 1_000 }),
    ]);
    return c.json({
      commit: commits[0] === undefined ? null : commitShape(commits[0], undefined),
      commits: commits.map((commit) => commitShape(commit, undefined)),
      diffs: files.map(diffShape),
      compare_timeout: false,
      compare_same_ref: from === to,
    });
  });

  api.get(`${repositoryPath}/merge_base`, async (c) => {
    const project = projectOf(host, c, read);
    const git = gitOf(host, project.id);
    const refs = c.req.queries('refs[]') ?? [];
    const [one, other] = await Promise.all(refs.map((ref) => git.resolve(ref)));
    if (one === undefined || other === undefined) throw new Refusal(400, 'Could not find ref');
    const sha = await git.mergeBase(one, other);
    const commit = sha === undefined ? undefined : await git.commit(sha);
    if (commit === undefined) throw new Refusal(404, '404 Merge Base Not Found');
    return c.json(commitShape(commit, undefined));
  });

  api.get(`${base}/labels`, (c) => {
    const project = projectOf(host, c, metadata);
    return c.json(
      page(c, host.store.labels.list(project.id)).map(({ id, name, color }) => ({ id, name, color: `#${color}` })),
    );
  });
  api.post(`${base}/labels`, async (c) => {
    const project = projectOf(host, c, { resource: 'issues', level: 'write' });
    const { name, color } = await readFields(
      c,
      z.object({ name: z.string().min(1), color: z.string().default('#ededed') }),
    );
    const known = host.store.labels.findByKey(`${project.id}/${name.toLowerCase()}`);
    if (known !== undefined) throw new Refusal(409, 'Label already exists');
    const label = { repositoryId: project.id, name, color: color.replace('#', ''), description: null };
    return c.json({ id: host.store.labels.insert(label).id, name, color }, 201);
  });
}

function changeOf(action: z.infer<typeof NewCommit>['actions'][number]): FileChange {
  const { file_path: path, content, encoding, execute_filemode } = action;
  switch (action.action) {
    case 'delete':
      return { path };
    case 'chmod':
      return { path, isExecutable: execute_filemode === true };
    case 'create':
    case 'update':
      return {
        path,
        content: Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8'),
        ...(execute_filemode === undefined ? {} : { isExecutable: execute_filemode }),
      };
  }
}

function accountIn(host: Host, c: ApiContext): Account | undefined {
  return host.store.accounts.find(Number(c.req.param('user')));
}

export function diffShape(file: Awaited<ReturnType<typeof changedFiles>>[number]) {
  return {
    old_path: file.previousPath ?? file.path,
    new_path: file.path,
    new_file: file.status === 'added',
    renamed_file: file.status === 'renamed',
    deleted_file: file.status === 'removed',
    diff: '',
  };
}
