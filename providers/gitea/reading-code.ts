import { z } from 'zod';
import { Sha } from '../../engine/core/trigger.ts';
import { fileText } from '../file-text.ts';
import type { ReadsCode } from '../git-host.ts';
import { isAnswer } from '../host-fault.ts';
import { Repository } from './schema.ts';
import { type GiteaOptions, type GiteaSession, orNone } from './session.ts';

const maxTreeEntries = 50_000;
const treePerPage = 1_000;
const maxBranches = 1_000;
const maxTags = 1_000;
const maxComparedCommits = 1_000;

const Branch = z.object({ name: z.string(), commit: z.object({ id: z.string() }) });
const Tag = z.object({ name: z.string(), commit: z.object({ sha: z.string() }) });
const Tree = z.object({
  tree: z.array(z.object({ path: z.string(), type: z.string() })),
  total_count: z.number(),
});
export const Comparison = z.object({
  total_commits: z.number(),
  commits: z.array(z.object({ files: z.array(z.object({ filename: z.string() })).nullish() })).nullish(),
});

/** Files, commits and branches, always at a full commit hash where there is one. */
export function readingCode(
  session: GiteaSession,
  { url, cloneToken }: Pick<GiteaOptions, 'url' | 'cloneToken'>,
): ReadsCode {
  return {
    readFile: (repository, sha, path, { maxBytes }) =>
      session.call(`Reading ${path}`, repository, async (api, at) => {
        try {
          const bytes = await api.bytes([...at, 'raw', ...path.split('/')], { query: { ref: sha } });
          return fileText(bytes, path, maxBytes);
        } catch (error) {
          if (!isAnswer(error, 404)) throw error;
          // It says the same of a commit that is not there.
          await api.ask(z.object({}), 'GET', [...at, 'git', 'commits', sha], { query: { stat: false, files: false } });
          return undefined;
        }
      }),

    listFiles: (repository, sha) =>
      session.call('Listing files', repository, async (api, at) => {
        const paths: string[] = [];
        let seen = 0;
        for (let page = 1; seen < maxTreeEntries; page += 1) {
          const query = { recursive: true, per_page: treePerPage, page };
          const { tree, total_count } = await api.ask(Tree, 'GET', [...at, 'git', 'trees', sha], { query });
          seen += tree.length;
          paths.push(...tree.flatMap(({ path, type }) => (type === 'blob' ? [path] : [])));
          if (tree.length === 0 || seen >= total_count) return { paths, isComplete: seen >= total_count };
        }
        return { paths, isComplete: false };
      }),

    // Gitea tells the files of each commit since the merge base: together they are what differs, or more.
    changedFiles: (repository, baseSha, headSha) =>
      session.call('Comparing commits', repository, async (api, at) => {
        try {
          const path = [...at, 'compare', `${baseSha}...${headSha}`];
          const { total_commits, commits } = await api.ask(Comparison, 'GET', path);
          const all = commits ?? [];
          const files = all.flatMap(({ files }) => files ?? []);
          const isComplete =
            all.length === total_commits &&
            all.length <= maxComparedCommits &&
            all.every((each) => Array.isArray(each.files));
          return { paths: [...new Set(files.map(({ filename }) => filename))], isComplete };
        } catch (error) {
          if (isAnswer(error, 413)) return { paths: [], isComplete: false };
          throw error;
        }
      }),

    defaultBranch: (repository) =>
      session.call('Reading the default branch', repository, async (api, at) => {
        const { default_branch } = await api.ask(Repository, 'GET', at);
        return default_branch;
      }),

    branchHead: (repository, branch) =>
      session.call(`Reading branch ${branch}`, repository, async (api, at) => {
        const found = await orNone(api, at, api.ask(Branch, 'GET', [...at, 'branches', ...branch.split('/')]));
        return found === undefined ? undefined : Sha(found.commit.id);
      }),

    branchHeads: (repository) =>
      session.call('Listing branches', repository, async (api, at) => {
        const { entries, isComplete } = await api.all(Branch, [...at, 'branches'], maxBranches);
        return { heads: entries.map(({ name, commit }) => ({ branch: name, sha: Sha(commit.id) })), isComplete };
      }),

    tagHeads: (repository) =>
      session.call('Listing tags', repository, async (api, at) => {
        const { entries, isComplete } = await api.all(Tag, [...at, 'tags'], maxTags);
        return { heads: entries.map(({ name, commit }) => ({ tag: name, sha: Sha(commit.sha) })), isComplete };
      }),

    cloneAccess: async ({ owner, name }) => ({
      url: `${url.replace(/\/+$/, '')}/${owner}/${name}.git`,
      credential: { username: 'slipway', password: cloneToken },
    }),
  };
}
