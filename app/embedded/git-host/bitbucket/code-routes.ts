import { roleOf } from '../access/authorize.ts';
import { findPull } from '../domain/pulls.ts';
import type { Pull, Repository } from '../entities.ts';
import type { TreeEntry } from '../git/bare-repository.ts';
import { type ChangedFile, changedFiles } from '../git/changes.ts';
import { gitOf, type Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { page, repositoryOf } from './api.ts';
import { idIn, uuidOf } from './identity.ts';
import type { Published } from './published.ts';
import { accountShape, commitShape, fullRepositoryShape, repositoryName, repositoryUrl } from './shapes.ts';

const read = { resource: 'contents', level: 'read' } as const;
const base = '/repositories/:workspace/:slug';
const maxFileBytes = 100 * 2 ** 20;

/** People, repositories, branches, files and differences. */
export function addCodeRoutes(api: Api, host: Host): void {
  api.get('/user', (c) => {
    const principal = c.get('principal');
    if (principal.type !== 'user')
      throw new Refusal(401, 'Token is invalid, expired, or not supported for this endpoint.');
    return c.json(accountShape(host, principal.account));
  });
  api.get('/users/:user', (c) => {
    const id = idIn(c.req.param('user'));
    const account = id === undefined ? undefined : host.store.accounts.find(id);
    if (account?.type !== 'User') throw new Refusal(404, `${c.req.param('user')} is not a valid user`);
    return c.json(accountShape(host, account));
  });

  api.get('/workspaces/:workspace/permissions/repositories/:slug', (c) => {
    const repository = repositoryOf(host, c, { resource: 'administration', level: 'read', role: 'admin' });
    const wanted = /^user\.uuid\s*=\s*"([^"]*)"$/.exec(c.req.query('q') ?? 'user.uuid = ""')?.[1];
    if (wanted === undefined) throw new Refusal(400, 'Invalid query');
    const values = host.store.accounts.all().flatMap((account) => {
      // Only what was given counts: that anybody reads a public repository is no permission of theirs.
      const permission = account.type === 'User' ? roleOf(host, { ...repository, private: true }, account.id) : 'none';
      if (permission === 'none' || (wanted !== '' && uuidOf(account.id) !== wanted)) return [];
      return [
        {
          type: 'repository_permission',
          user: accountShape(host, account),
          repository: repositoryName(host, repository),
          permission,
        } as const,
      ];
    });
    return c.json(page(c, values, 100) satisfies Published<'paginated_repository_permissions'>);
  });

  api.get(base, (c) =>
    c.json(fullRepositoryShape(host, repositoryOf(host, c, { resource: 'metadata', level: 'read' }))),
  );

  api.get(`${base}/refs/branches`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const wanted = namesIn(c.req.query('q'));
    const git = gitOf(host, repository.id);
    const branches = Object.entries(await git.refs()).flatMap(([ref, sha]) => {
      const name = ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined;
      return name === undefined || (wanted !== undefined && !wanted.has(name)) ? [] : [{ name, sha }];
    });
    const shown = page(c, branches, 100);
    const values = await Promise.all(
      shown.values.map(async ({ name, sha }) => {
        const commit = await git.commit(sha);
        if (commit === undefined) throw notFound();
        return { type: 'branch', name, target: commitShape(host, repository, commit) } as const;
      }),
    );
    return c.json({ ...shown, values });
  });

  api.get(`${base}/refs/tags`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const git = gitOf(host, repository.id);
    const shown = page(c, await git.tags(), 100);
    const values = await Promise.all(
      shown.values.map(async ({ name, sha }) => {
        const commit = await git.commit(sha);
        if (commit === undefined) throw notFound();
        return { type: 'tag', name, target: commitShape(host, repository, commit) } as const;
      }),
    );
    return c.json({ ...shown, values });
  });

  api.get(`${base}/commit/:sha`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const commit = await gitOf(host, repository.id).commit(c.req.param('sha'));
    if (commit === undefined) throw new Refusal(404, 'Commit not found');
    return c.json({ ...commitShape(host, repository, commit), repository: repositoryName(host, repository) });
  });

  api.get(`${base}/merge-base/:spec`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const git = gitOf(host, repository.id);
    const [one, other] = await Promise.all(
      c.req
        .param('spec')
        .split('..')
        .map((sha) => git.resolve(sha)),
    );
    const sha = one === undefined || other === undefined ? undefined : await git.mergeBase(one, other);
    const commit = sha === undefined ? undefined : await git.commit(sha);
    if (commit === undefined) throw new Refusal(404, 'Commit not found');
    return c.json(commitShape(host, repository, commit));
  });

  for (const path of [`${base}/src/:sha`, `${base}/src/:sha/:path{.*}`] as const)
    api.get(path, async (c) => await source(host, c, repositoryOf(host, c, read)));

  // A carriage return stands between the two, which a dot would not match.
  api.get(`${base}/diffstat/:spec{[\\s\\S]+}`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const number = c.req.query('from_pullrequest_id');
    const [from, to] =
      number === undefined
        ? await sidesOf(host, c, repository)
        : await pullSides(host, findPull(host, repository, Number(number)));
    const files = await changedFiles(gitOf(host, repository.id), from, to);
    const shown = page(c, files, 500);
    return c.json({ ...shown, values: shown.values.map(diffStatShape) } satisfies Published<'paginated_diffstats'>);
  });
}

/** Names in `name = "a" OR name = "b"`; undefined where nothing is asked for. @throws Refusal 400 */
function namesIn(q: string | undefined): ReadonlySet<string> | undefined {
  if (q === undefined) return undefined;
  const part = /name\s*=\s*"((?:[^"\\]|\\.)*)"/g;
  if (q.replaceAll(part, '').replaceAll(/OR|\s/g, '') !== '') throw new Refusal(400, 'Invalid query');
  return new Set([...q.matchAll(part)].map(([, name = '']) => name.replaceAll(/\\(.)/g, '$1')));
}

async function source(host: Host, c: ApiContext, repository: Repository): Promise<Response> {
  const git = gitOf(host, repository.id);
  const sha = await git.resolve(c.req.param('sha') ?? '');
  if (sha === undefined) throw new Refusal(404, 'Commit not found');
  const path = (c.req.param('path') ?? '').replace(/\/+$/, '');
  const self = `${repositoryUrl(host, repository)}/src/${sha}`;
  const shape = (entry: TreeEntry) => ({
    path: entry.path,
    commit: { type: 'commit', hash: sha },
    type: entry.type === 'tree' ? 'commit_directory' : 'commit_file',
    attributes: [],
    ...(entry.type === 'tree' ? {} : { escaped_path: entry.path, size: entry.size ?? 0 }),
    links: { self: { href: `${self}/${entry.path.split('/').map(encodeURIComponent).join('/')}` } },
  });
  const entry = path === '' ? undefined : (await git.tree(sha, { recursive: false, path }))[0];
  if (path !== '' && entry?.path !== path) throw new Refusal(404, `No such file or directory: ${path}`);
  if (entry !== undefined && c.req.query('format') === 'meta') return c.json(shape(entry));
  if (entry !== undefined && entry.type !== 'tree') {
    const bytes = await git.blob(entry.sha, maxFileBytes);
    // Told by the name's end, not by what is inside.
    const type = path.endsWith('.json') ? 'application/json' : 'text/plain';
    return c.body(new Uint8Array(bytes), 200, { 'content-type': type, 'content-disposition': 'attachment' });
  }
  const depth = Number(c.req.query('max_depth') ?? 1);
  const prefix = path === '' ? '' : `${path}/`;
  const entries = (await git.tree(sha, { recursive: true })).filter(
    (each) => each.path.startsWith(prefix) && each.path.slice(prefix.length).split('/').length <= depth,
  );
  const shown = page(c, entries, 100);
  return c.json({ ...shown, values: shown.values.map(shape) });
}

/** `<changes>..<compared with>`: the other way round than git. */
async function sidesOf(
  host: Host,
  c: ApiContext,
  repository: Repository,
): Promise<readonly [string | undefined, string]> {
  const git = gitOf(host, repository.id);
  const [head = '', other = ''] = (c.req.param('spec') ?? '').split('..');
  const [to, from] = await Promise.all([git.resolve(head), git.resolve(other)]);
  if (to === undefined || from === undefined) throw new Refusal(404, 'Commit not found');
  return [c.req.query('topic') === 'true' ? await git.mergeBase(from, to) : from, to];
}

async function pullSides(host: Host, pull: Pull): Promise<readonly [string | undefined, string]> {
  return [await gitOf(host, pull.repositoryId).mergeBase(pull.baseSha, pull.headSha), pull.headSha];
}

function diffStatShape(file: ChangedFile) {
  const at = (path: string) => ({ type: 'commit_file', path, escaped_path: path }) as const;
  const known = ['added', 'removed', 'renamed'] as const;
  return {
    type: 'diffstat',
    lines_added: file.additions,
    lines_removed: file.deletions,
    status: known.find((each) => each === file.status) ?? ('modified' as const),
    ...(file.status === 'added' ? {} : { old: at(file.previousPath ?? file.path) }),
    ...(file.status === 'removed' ? {} : { new: at(file.path) }),
  };
}
