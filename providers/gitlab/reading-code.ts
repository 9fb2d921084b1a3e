import { Sha } from '../../engine/core/trigger.ts';
import { fileText } from '../file-text.ts';
import type { ReadsCode } from '../git-host.ts';
import { isAnswer } from '../host-fault.ts';
import { allPages, type GitLabOptions, type GitLabSession } from './session.ts';

const treePages = 100;
const branchPages = 10;
/** The newest are all that may have been missed. */
const tagPages = 1;
const treePerPage = 100;
/** The least that GitLab shows of a comparison before it cuts it. */
const maxComparedFiles = 1_000;

/** Files, commits and branches, always at a full commit hash where there is one. */
export function readingCode(
  session: GitLabSession,
  { url, cloneToken }: Pick<GitLabOptions, 'url' | 'cloneToken'>,
): ReadsCode {
  return {
    readFile: (repository, sha, path, { maxBytes }) =>
      session.call(`Reading ${path}`, repository, async (api, projectId) => {
        try {
          const file = await api.RepositoryFiles.showRaw(projectId, path, sha);
          return fileText(typeof file === 'string' ? Buffer.from(file) : await file.arrayBuffer(), path, maxBytes);
        } catch (error) {
          // A project or commit that is not seen is no missing file.
          if (isAnswer(error, 404, /file not found/i)) return undefined;
          throw error;
        }
      }),

    listFiles: (repository, sha) =>
      session.call('Listing files', repository, async (api, projectId) => {
        const entries = await api.Repositories.allRepositoryTrees(projectId, {
          ref: sha,
          recursive: true,
          pagination: 'keyset',
          perPage: treePerPage,
          maxPages: treePages,
        });
        return {
          paths: entries.flatMap(({ path, type }) => (type === 'blob' ? [path] : [])),
          isComplete: entries.length < treePages * treePerPage,
        };
      }),

    changedFiles: (repository, baseSha, headSha) =>
      session.call('Comparing commits', repository, async (api, projectId) => {
        const {
          diffs = [],
          commits = [],
          compare_timeout,
        } = await api.Repositories.compare(projectId, baseSha, headSha, { straight: false });
        return {
          paths: pathsOf(diffs),
          // Past its limits GitLab leaves the differences out without a word.
          isComplete: !compare_timeout && diffs.length < maxComparedFiles && (diffs.length > 0 || commits.length === 0),
        };
      }),

    defaultBranch: (repository) =>
      session.call('Reading the default branch', repository, async (api, projectId) => {
        const { default_branch } = await api.Projects.show(projectId);
        return default_branch;
      }),

    branchHead: (repository, branch) =>
      session.call(`Reading branch ${branch}`, repository, async (api, projectId) => {
        try {
          return Sha((await api.Branches.show(projectId, branch)).commit.id);
        } catch (error) {
          if (isAnswer(error, 404, /branch not found/i)) return undefined;
          throw error;
        }
      }),

    branchHeads: (repository) =>
      session.call('Listing branches', repository, async (api, projectId) => {
        const { entries, isComplete } = await allPages(branchPages, (page) => api.Branches.all(projectId, page));
        return { heads: entries.map(({ name, commit }) => ({ branch: name, sha: Sha(commit.id) })), isComplete };
      }),

    tagHeads: (repository) =>
      session.call('Listing tags', repository, async (api, projectId) => {
        const newestFirst = { orderBy: 'updated', sort: 'desc' } as const;
        const { entries, isComplete } = await allPages(tagPages, (page) =>
          api.Tags.all(projectId, { ...newestFirst, ...page }),
        );
        // A tag may name something else than a commit, of which there is nothing to run.
        const heads = entries.flatMap(({ name, commit }) => (commit ? [{ tag: name, sha: Sha(commit.id) }] : []));
        return { heads, isComplete };
      }),

    cloneAccess: async ({ owner, name }) => ({
      url: `${url.replace(/\/+$/, '')}/${owner}/${name}.git`,
      credential: { username: 'oauth2', password: cloneToken },
    }),
  };
}

/** Paths that differ, old names too. */
export function pathsOf(diffs: readonly { readonly new_path: string; readonly old_path: string }[]): readonly string[] {
  return diffs.flatMap(({ new_path, old_path }) => (new_path === old_path ? [new_path] : [new_path, old_path]));
}
