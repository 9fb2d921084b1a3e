import { z } from 'zod';
import { isSha, Sha } from '../../engine/core/trigger.ts';
import { fileText, fileTooLarge } from '../file-text.ts';
import type { GitHost, ReadsCode } from '../git-host.ts';
import { isAnswer } from './error.ts';
import { rawBytes } from './request.ts';
import {
  type At,
  allPages,
  type BitbucketApi,
  type BitbucketOptions,
  type BitbucketSession,
  pathOf,
} from './session.ts';

/** A list of files that is deeper, or takes Bitbucket too long, is one that is not complete. */
const depths = [20, 5, 1];
const tooLong = 555;
const treePages = 50;
const diffPages = 10;
const branchPages = 10;
/** The newest are all that may have been missed. */
const tagPages = 1;
const branchesPerRequest = 25;

const Entry = z.object({ path: z.string(), type: z.string(), size: z.number().optional() });
const Side = z.object({ path: z.string() }).nullish();
const Change = z.object({ old: Side, new: Side });
const Ref = z.object({ name: z.string(), target: z.object({ hash: z.string() }) });
const Repository = z.object({ mainbranch: z.object({ name: z.string() }).nullish() });

/** Files, commits and branches, always at a full commit hash where there is one. */
export function readingCode(
  session: BitbucketSession,
  { url, cloneToken }: Pick<BitbucketOptions, 'url' | 'cloneToken'>,
): ReadsCode {
  return {
    readFile: (repository, sha, path, { maxBytes }) =>
      session.call(`Reading ${path}`, repository, async (api, at) => {
        const source = pathOf(at, 'src', sha, ...path.split('/'));
        try {
          // A folder answers like a JSON file; what it is says only this.
          const { data } = await api.request({ method: 'GET', url: source, format: 'meta' });
          const { type, size = 0 } = Entry.parse(data);
          if (type !== 'commit_file') return undefined;
          if (size > maxBytes) throw fileTooLarge(path, maxBytes);
        } catch (error) {
          if (!isAnswer(error, 404)) throw error;
          // A repository or commit that is not seen is no missing file.
          await api.commits.get({ ...at, commit: sha });
          return undefined;
        }
        const { data } = await api.request({ method: 'GET', url: source, headers: { accept: rawBytes } });
        const bytes = z.union([z.instanceof(ArrayBuffer), z.literal('')]).parse(data);
        return bytes === '' ? '' : fileText(bytes, path, maxBytes);
      }),

    listFiles: (repository, sha) =>
      session.call('Listing files', repository, async (api, at) => {
        for (const [index, depth] of depths.entries()) {
          try {
            return await filesTo(depth, api, at, sha);
          } catch (error) {
            if (!isAnswer(error, tooLong) || index === depths.length - 1) throw error;
          }
        }
        return { paths: [], isComplete: false };
      }),

    changedFiles: (repository, baseSha, headSha) =>
      session.call('Comparing commits', repository, async (api, at) => {
        // The other way round than git: first what is looked at, then what it is compared with.
        const spec = `${headSha}..${baseSha}`;
        const { entries, isComplete } = await allPages(api, Change, diffPages, () =>
          api.repositories.listDiffStats({ ...at, spec, topic: true, pagelen: 500 }),
        );
        return { paths: pathsOf(entries), isComplete };
      }),

    defaultBranch: (repository) =>
      session.call('Reading the default branch', repository, async (api, at) => {
        const { mainbranch } = Repository.parse((await api.repositories.get({ ...at })).data);
        // An empty repository has none; its first push makes it.
        return mainbranch?.name ?? 'main';
      }),

    branchHead: (repository, branch) =>
      session.call(`Reading branch ${branch}`, repository, async (api, at) =>
        (await headsOf(api, at, [branch])).get(branch),
      ),

    branchHeads: (repository) =>
      session.call('Listing branches', repository, async (api, at) => {
        const { entries, isComplete } = await allPages(api, Ref, branchPages, () =>
          api.request({ method: 'GET', url: pathOf(at, 'refs', 'branches'), pagelen: 100 }),
        );
        return { heads: entries.map(({ name, target }) => ({ branch: name, sha: Sha(target.hash) })), isComplete };
      }),

    tagHeads: (repository) =>
      session.call('Listing tags', repository, async (api, at) => {
        const { entries, isComplete } = await allPages(api, Ref, tagPages, () =>
          api.request({ method: 'GET', url: pathOf(at, 'refs', 'tags'), sort: '-target.date', pagelen: 100 }),
        );
        return { heads: entries.map(({ name, target }) => ({ tag: name, sha: Sha(target.hash) })), isComplete };
      }),

    cloneAccess: async ({ owner, name }) => ({
      url: `${url.replace(/\/+$/, '')}/${owner}/${name}.git`,
      credential: { username: 'x-token-auth', password: cloneToken },
    }),
  };
}

async function filesTo(depth: number, api: BitbucketApi, at: At, sha: Sha): ReturnType<GitHost['listFiles']> {
  const { entries, isComplete } = await allPages(api, Entry, treePages, () =>
    api.request({ method: 'GET', url: `${pathOf(at, 'src', sha)}/`, max_depth: depth, pagelen: 100 }),
  );
  const isCut = entries.some(({ path, type }) => type === 'commit_directory' && path.split('/').length >= depth);
  return {
    paths: entries.flatMap(({ path, type }) => (type === 'commit_file' ? [path] : [])),
    isComplete: isComplete && !isCut,
  };
}

/** Tips of those branches that are there. */
export async function headsOf(
  api: BitbucketApi,
  at: At,
  branches: readonly string[],
): Promise<ReadonlyMap<string, Sha>> {
  const heads = new Map<string, Sha>();
  for (let start = 0; start < branches.length; start += branchesPerRequest) {
    const some = branches.slice(start, start + branchesPerRequest);
    const q = some.map((name) => `name = "${name.replaceAll(/["\\]/g, '\\$&')}"`).join(' OR ');
    const { entries } = await allPages(api, Ref, 1, () =>
      api.request({ method: 'GET', url: pathOf(at, 'refs', 'branches'), q, pagelen: 100 }),
    );
    for (const { name, target } of entries)
      if (some.includes(name) && isSha(target.hash)) heads.set(name, Sha(target.hash));
  }
  return heads;
}

/** Paths that differ, old names too. */
export function pathsOf(changes: readonly z.infer<typeof Change>[]): readonly string[] {
  return [...new Set(changes.flatMap((change) => [change.new?.path ?? [], change.old?.path ?? []].flat()))];
}

export const DiffStat = Change;
