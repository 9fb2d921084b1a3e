import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Commit, commitFormat, parseCommits } from './commit.ts';
import { isFullHash, isRefName } from './ref-name.ts';
import { type GitRunOptions, runGit } from './run-git.ts';

/** Settings of every repository. No background gc: commits that a force push left behind stay, as reviews and checks point at them. */
const config = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[gc]
\tauto = 0
[receive]
\tautogc = false
\thideRefs = refs/pull
[http]
\treceivepack = true
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
\tallowReachableSHA1InWant = true
`;

export interface TreeEntry {
  readonly mode: string;
  readonly type: 'blob' | 'tree' | 'commit';
  readonly sha: string;
  readonly size: number | null;
  readonly path: string;
}

export interface Person {
  readonly name: string;
  readonly email: string;
}

/** One repository on disk, without a work tree. Names are checked before git sees them. */
export class BareRepository {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Made beside its place and moved there, so that a half-made one is never found. */
  async create(defaultBranch: string): Promise<void> {
    const draft = `${this.path}.new`;
    await rm(draft, { recursive: true, force: true });
    for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags'])
      await mkdir(join(draft, folder), { recursive: true });
    await writeFile(join(draft, 'config'), config);
    await writeFile(join(draft, 'HEAD'), `ref: refs/heads/${defaultBranch}\n`);
    await rename(draft, this.path);
  }

  async git(args: readonly string[], options: Omit<GitRunOptions, 'repositoryPath'> = {}): Promise<Buffer> {
    return (await runGit(args, { repositoryPath: this.path, ...options })).stdout;
  }

  /** Branches and tags by full name. */
  async refs(): Promise<Record<string, string>> {
    const text = (
      await this.git(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags'])
    ).toString();
    const found: Record<string, string> = {};
    for (const line of text.split('\n')) {
      const space = line.indexOf(' ');
      if (space > 0) found[line.slice(space + 1)] = line.slice(0, space);
    }
    return found;
  }

  /** Tags that name a commit, annotated or not, with it; the newest first. */
  async tags(): Promise<readonly { readonly name: string; readonly sha: string }[]> {
    const format = '--format=%(objectname) %(objecttype) %(*objectname) %(*objecttype) %(refname)';
    const text = (await this.git(['for-each-ref', '--sort=-creatordate', format, 'refs/tags'])).toString();
    return text.split('\n').flatMap((line) => {
      const [sha = '', type, peeled = '', peeledType, ref = ''] = line.split(' ');
      const named = type === 'commit' ? sha : peeledType === 'commit' ? peeled : undefined;
      return named === undefined ? [] : [{ name: ref.slice('refs/tags/'.length), sha: named }];
    });
  }

  /** The commit that a full hash, branch, tag or full ref name means, in this order. */
  async resolve(name: string): Promise<string | undefined> {
    const candidates = isFullHash(name)
      ? [name]
      : isRefName(name)
        ? name.startsWith('refs/')
          ? [name]
          : [`refs/heads/${name}`, `refs/tags/${name}`]
        : [];
    for (const candidate of candidates) {
      const { stdout, exitCode } = await runGit(['rev-parse', '--verify', '--quiet', `${candidate}^{commit}`], {
        repositoryPath: this.path,
        answers: [1, 128],
      });
      if (exitCode === 0) return stdout.toString().trim();
    }
    return undefined;
  }

  async setDefaultBranch(branch: string): Promise<void> {
    await this.git(['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
  }

  /** @throws GitCommandError when the ref is not at `from` */
  async updateRef(ref: string, to: string, from: string): Promise<void> {
    await this.git(['update-ref', ref, to, from]);
  }

  async deleteRef(ref: string, from: string): Promise<void> {
    await this.git(['update-ref', '-d', ref, from]);
  }

  /** Makes a commit of another repository on this disk reachable here. */
  async fetchFrom(other: BareRepository, sha: string, ref: string): Promise<void> {
    if (other.path === this.path) await this.git(['update-ref', ref, sha]);
    else await this.git(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', other.path, `+${sha}:${ref}`]);
  }

  /** Newest first. */
  async log(
    shas: readonly string[],
    options: { readonly limit: number; readonly skip?: number; readonly path?: string },
  ): Promise<Commit[]> {
    const text = await this.git([
      'log',
      '--no-show-signature',
      `--max-count=${options.limit}`,
      `--skip=${options.skip ?? 0}`,
      `--format=${commitFormat}`,
      ...shas,
      '--',
      ...(options.path === undefined ? [] : [options.path]),
    ]);
    return parseCommits(text.toString());
  }

  async commit(sha: string): Promise<Commit | undefined> {
    const resolved = await this.resolve(sha);
    return resolved === undefined ? undefined : (await this.log([resolved], { limit: 1 }))[0];
  }

  async isAncestor(older: string, newer: string): Promise<boolean> {
    const { exitCode } = await runGit(['merge-base', '--is-ancestor', older, newer], {
      repositoryPath: this.path,
      answers: [1, 128],
    });
    return exitCode === 0;
  }

  /** Whether a branch holds it: not so for what a fork brought, and for what was pushed away. */
  async isOnBranch(sha: string): Promise<boolean> {
    const found = await this.git(['for-each-ref', '--count=1', `--contains=${sha}`, 'refs/heads']);
    return found.length > 0;
  }

  async mergeBase(one: string, other: string): Promise<string | undefined> {
    const { stdout, exitCode } = await runGit(['merge-base', one, other], {
      repositoryPath: this.path,
      answers: [1, 128],
    });
    return exitCode === 0 ? stdout.toString().trim() : undefined;
  }

  async count(range: string): Promise<number> {
    return Number((await this.git(['rev-list', '--count', range, '--'])).toString().trim());
  }

  async tree(sha: string, options: { readonly recursive: boolean; readonly path?: string }): Promise<TreeEntry[]> {
    const { path } = options;
    // Nothing in a tree is called so, and git fails at what would lead out of it.
    if (path !== undefined && (path.startsWith('/') || path.split('/').includes('..'))) return [];
    const text = await this.git([
      'ls-tree',
      '-z',
      '-l',
      ...(options.recursive ? ['-r', '-t'] : []),
      sha,
      ...(path === undefined ? [] : ['--', path]),
    ]);
    return text.toString().split('\0').filter(Boolean).map(parseTreeEntry);
  }

  /** @throws GitCommandError past `maxBytes` */
  async blob(sha: string, maxBytes: number): Promise<Buffer> {
    return await this.git(['cat-file', 'blob', sha], { maxBytes });
  }

  async writeCommit(facts: {
    readonly tree: string;
    readonly parents: readonly string[];
    readonly message: string;
    readonly author: Person;
    readonly at: Date;
  }): Promise<string> {
    const date = `${Math.floor(facts.at.getTime() / 1000)} +0000`;
    const made = await this.git(['commit-tree', facts.tree, ...facts.parents.flatMap((parent) => ['-p', parent])], {
      input: facts.message,
      env: {
        GIT_AUTHOR_NAME: facts.author.name,
        GIT_AUTHOR_EMAIL: facts.author.email,
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: facts.author.name,
        GIT_COMMITTER_EMAIL: facts.author.email,
        GIT_COMMITTER_DATE: date,
      },
    });
    return made.toString().trim();
  }
}

function parseTreeEntry(line: string): TreeEntry {
  const match = /^(\d+) (blob|tree|commit) ([0-9a-f]+) +(\d+|-)\t([\s\S]*)$/.exec(line);
  const [, mode = '', type, sha = '', size = '-', path = ''] = match ?? [];
  if (type !== 'blob' && type !== 'tree' && type !== 'commit')
    throw new RangeError('git ls-tree answered something new');
  return { mode, type, sha, size: size === '-' ? null : Number(size), path };
}
