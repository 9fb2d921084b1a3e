import { requireAccess } from '../access/authorize.ts';
import type { Repository } from '../entities.ts';
import type { BareRepository, TreeEntry } from '../git/bare-repository.ts';
import { changedFiles, patchesByPath, unifiedDiff } from '../git/changes.ts';
import { isRefName } from '../git/ref-name.ts';
import { apiUrl, fullNameOf, gitOf, type Host, ownerOf } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { paginate, repositoryOf } from './api.ts';
import { nodeId } from './shapes/account.ts';
import { commitShape, fileShape } from './shapes/commit.ts';
import { simplePullShape } from './shapes/pull.ts';

const read = { resource: 'contents', level: 'read' } as const;
const base = '/repos/:owner/:repo';
/** GitHub's limits on what one answer carries. */
const maxTreeEntries = 100_000;
const maxJsonFileBytes = 1024 * 1024;
const maxRawFileBytes = 100 * 1024 * 1024;
const comparedFiles = 300;
const comparedCommits = 250;

/** Commits, refs, trees, files and differences. */
export function addCodeRoutes(api: Api, host: Host): void {
  api.get(`${base}/commits`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const git = gitOf(host, repository.id);
    const sha = await git.resolve(c.req.query('sha') ?? repository.defaultBranch);
    if (sha === undefined)
      throw Object.keys(repository.announcedRefs).length === 0
        ? new Refusal(409, 'Git Repository is empty.')
        : notFound();
    const path = c.req.query('path');
    const commits = await git.log([sha], { limit: 1_000, ...(path === undefined ? {} : { path }) });
    return c.json(paginate(c, commits).map((commit) => commitShape(host, repository, commit)));
  });

  api.get(`${base}/commits/:sha/pulls`, (c) => {
    const repository = repositoryOf(host, c, { resource: 'pull_requests', level: 'read' });
    const sha = c.req.param('sha');
    const pulls = host.store.pulls
      .list(repository.id)
      .filter((pull) => pull.headSha === sha || pull.mergeCommitSha === sha);
    return c.json(paginate(c, pulls).map((pull) => simplePullShape(host, pull)));
  });

  api.get(`${base}/commits/:ref{.+}`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const git = gitOf(host, repository.id);
    const commit = await git.commit(c.req.param('ref'));
    if (commit === undefined) throw new Refusal(422, `No commit found for SHA: ${c.req.param('ref').slice(0, 80)}`);
    if (c.req.header('accept')?.includes('.sha')) return c.text(commit.sha);
    const files = await filesBetween(host, repository, git, commit.parents[0], commit.sha);
    const additions = files.reduce((sum, file) => sum + file.additions, 0);
    const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
    return c.json({
      ...commitShape(host, repository, commit),
      stats: { total: additions + deletions, additions, deletions },
      files: files.slice(0, 3_000),
    });
  });

  for (const path of [`${base}/git/ref/:ref{.+}`, `${base}/git/refs/:ref{.+}`] as const)
    api.get(path, async (c) => {
      const repository = repositoryOf(host, c, read);
      const ref = `refs/${c.req.param('ref')}`;
      const sha = (await gitOf(host, repository.id).refs())[ref];
      if (!isRefName(ref) || sha === undefined) throw notFound();
      const url = apiUrl(host, `/repos/${fullNameOf(host, repository)}`);
      return c.json({
        ref,
        node_id: nodeId('REF', repository.id),
        url: `${url}/git/${ref}`,
        object: { sha, type: 'commit', url: `${url}/git/commits/${sha}` },
      });
    });

  api.get(`${base}/git/trees/:sha{.+}`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const git = gitOf(host, repository.id);
    const sha = await git.resolve(c.req.param('sha'));
    const treeish = sha ?? (await existingTree(git, c.req.param('sha')));
    const recursive = c.req.query('recursive') !== undefined;
    const entries = await git.tree(treeish, { recursive });
    const url = apiUrl(host, `/repos/${fullNameOf(host, repository)}/git`);
    return c.json({
      sha: treeish,
      url: `${url}/trees/${treeish}`,
      tree: entries.slice(0, maxTreeEntries).map((entry) => ({
        path: entry.path,
        mode: entry.mode,
        type: entry.type,
        sha: entry.sha,
        ...(entry.size === null ? {} : { size: entry.size }),
        url: `${url}/${entry.type === 'tree' ? 'trees' : 'blobs'}/${entry.sha}`,
      })),
      truncated: entries.length > maxTreeEntries,
    });
  });

  for (const path of [`${base}/contents`, `${base}/contents/:path{.*}`] as const)
    api.get(path, async (c) => {
      const repository = repositoryOf(host, c, read);
      return await contents(host, c, repository, (c.req.param('path') ?? '').replace(/\/+$/, ''));
    });

  api.get(`${base}/compare/:spec{.+}`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const git = gitOf(host, repository.id);
    const [from = '', to = ''] = c.req.param('spec').split('...');
    const [baseCommit, headCommit] = await Promise.all([
      sideOf(host, c, repository, from),
      sideOf(host, c, repository, to),
    ]);
    const mergeBase = await git.mergeBase(baseCommit, headCommit);
    if (mergeBase === undefined) throw new Refusal(404, `No common ancestor between ${from} and ${to}.`);
    const [ahead, behind] = await Promise.all([
      git.count(`${baseCommit}..${headCommit}`),
      git.count(`${headCommit}..${baseCommit}`),
    ]);
    const commits = (await git.log([`${baseCommit}..${headCommit}`], { limit: comparedCommits })).reverse();
    const [baseInfo, mergeInfo] = await Promise.all([git.commit(baseCommit), git.commit(mergeBase)]);
    if (baseInfo === undefined || mergeInfo === undefined) throw notFound();
    const files = await filesBetween(host, repository, git, mergeBase, headCommit);
    const fullName = fullNameOf(host, repository);
    const html = `${host.url}/${fullName}/compare/${from}...${to}`;
    return c.json({
      url: apiUrl(host, `/repos/${fullName}/compare/${from}...${to}`),
      html_url: html,
      permalink_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      base_commit: commitShape(host, repository, baseInfo),
      merge_base_commit: commitShape(host, repository, mergeInfo),
      status: ahead === 0 ? (behind === 0 ? 'identical' : 'behind') : behind === 0 ? 'ahead' : 'diverged',
      ahead_by: ahead,
      behind_by: behind,
      total_commits: ahead,
      commits: commits.map((commit) => commitShape(host, repository, commit)),
      files: files.slice(0, comparedFiles),
    });
  });
}

/** A side of a comparison: a ref or hash here, or `<owner>:<branch>` of a fork, whose commits are then fetched. */
async function sideOf(host: Host, c: ApiContext, repository: Repository, text: string): Promise<string> {
  const colon = text.indexOf(':');
  const owner = colon < 0 ? undefined : text.slice(0, colon).toLowerCase();
  const name = colon < 0 ? text : text.slice(colon + 1);
  const git = gitOf(host, repository.id);
  if (owner !== undefined && owner !== ownerOf(host, repository).login.toLowerCase()) {
    const fork = host.store.repositories
      .all()
      .find((each) => each.forkOfId === repository.id && ownerOf(host, each).login.toLowerCase() === owner);
    if (fork === undefined) throw notFound();
    requireAccess(host, c.get('principal'), fork, read);
    const sha = await gitOf(host, fork.id).resolve(name);
    if (sha === undefined) throw notFound();
    await git.fetchFrom(gitOf(host, fork.id), sha, `refs/forks/${fork.id}`);
    return sha;
  }
  const sha = await git.resolve(name);
  if (sha === undefined) throw notFound();
  return sha;
}

export async function filesBetween(
  host: Host,
  repository: Repository,
  git: BareRepository,
  from: string | undefined,
  to: string,
) {
  const [files, diff] = await Promise.all([changedFiles(git, from, to), unifiedDiff(git, from, to)]);
  const patches = patchesByPath(diff, files);
  return files.map((file) => fileShape(host, repository, to, file, patches.get(file.path)));
}

async function existingTree(git: BareRepository, sha: string): Promise<string> {
  if (!/^[0-9a-f]{40}$/.test(sha)) throw notFound();
  const type = (await git.git(['cat-file', '--batch-check'], { input: `${sha}\n` })).toString();
  if (!type.startsWith(`${sha} tree`)) throw notFound();
  return sha;
}

async function contents(host: Host, c: ApiContext, repository: Repository, path: string): Promise<Response> {
  const git = gitOf(host, repository.id);
  const ref = c.req.query('ref') ?? repository.defaultBranch;
  const sha = await git.resolve(ref);
  if (sha === undefined) throw new Refusal(404, `No commit found for the ref ${ref.slice(0, 100)}`);
  const entry = path === '' ? undefined : (await git.tree(sha, { recursive: false, path }))[0];
  if (path !== '' && entry?.path !== path) throw notFound();
  if (entry === undefined || entry.type === 'tree') {
    const children = await git.tree(sha, { recursive: false, ...(path === '' ? {} : { path: `${path}/` }) });
    return c.json(children.slice(0, 1_000).map((child) => contentShape(host, repository, ref, child)));
  }
  const wantsRaw = c.req.header('accept')?.includes('raw') === true;
  const limit = wantsRaw ? maxRawFileBytes : maxJsonFileBytes;
  const isTooLarge = (entry.size ?? 0) > limit;
  if (isTooLarge && wantsRaw) throw new Refusal(403, 'This API returns blobs up to 100 MB in size.');
  const bytes = isTooLarge || entry.type === 'commit' ? Buffer.alloc(0) : await git.blob(entry.sha, limit);
  if (wantsRaw)
    return c.body(new Uint8Array(bytes), 200, { 'content-type': 'application/vnd.github.raw; charset=utf-8' });
  return c.json({
    ...contentShape(host, repository, ref, entry),
    // Past 1 MB GitHub answers with an empty text and says so.
    content: isTooLarge ? '' : bytes.toString('base64').replace(/(.{60})/g, '$1\n'),
    encoding: isTooLarge ? 'none' : 'base64',
  });
}

function contentShape(host: Host, repository: Repository, ref: string, entry: TreeEntry) {
  const fullName = fullNameOf(host, repository);
  const api = apiUrl(host, `/repos/${fullName}`);
  const path = entry.path.split('/').map(encodeURIComponent).join('/');
  const url = `${api}/contents/${path}?ref=${encodeURIComponent(ref)}`;
  const git = `${api}/git/${entry.type === 'tree' ? 'trees' : 'blobs'}/${entry.sha}`;
  const html = `${host.url}/${fullName}/${entry.type === 'tree' ? 'tree' : 'blob'}/${ref}/${path}`;
  return {
    name: entry.path.split('/').at(-1) ?? '',
    path: entry.path,
    sha: entry.sha,
    size: entry.size ?? 0,
    url,
    html_url: html,
    git_url: git,
    download_url: entry.type === 'blob' ? `${host.url}/${fullName}/raw/${ref}/${path}` : null,
    type:
      entry.type === 'tree'
        ? 'dir'
        : entry.type === 'commit'
          ? 'submodule'
          : entry.mode === '120000'
            ? 'symlink'
            : 'file',
    _links: { self: url, git, html },
  };
}
