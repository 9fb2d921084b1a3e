import { Sha } from '../../engine/core/trigger.ts';
import { fileTooLarge } from '../file-text.ts';
import type { ReadsCode } from '../git-host.ts';
import { KnownLists } from './known-lists.ts';
import { type GitHubSession, isStatus } from './session.ts';
import { queuePrefix } from './translate.ts';

/** Files, commits and branches, always at a full commit hash where there is one. */
export function readingCode(session: GitHubSession, origin: string): ReadsCode {
  const branches = new KnownLists<{ readonly branch: string; readonly sha: Sha }>();
  const tags = new KnownLists<{ readonly tag: string; readonly sha: Sha }>();
  return {
    readFile: (repository, sha, path, { maxBytes }) =>
      session.call(`Reading ${path}`, repository, async (octokit, at) => {
        try {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/contents/{path}', {
            ...at,
            path,
            ref: sha,
            mediaType: { format: 'raw' },
          });
          const text: unknown = data;
          if (typeof text !== 'string') return undefined;
          if (Buffer.byteLength(text) <= maxBytes) return text;
          throw fileTooLarge(path, maxBytes);
        } catch (error) {
          if (isStatus(error, 404)) return undefined;
          throw error;
        }
      }),

    listFiles: (repository, sha) =>
      session.call('Listing files', repository, async (octokit, at) => {
        const { data } = await octokit.request('GET /repos/{owner}/{repo}/git/trees/{tree_sha}', {
          ...at,
          tree_sha: sha,
          recursive: '1',
        });
        const paths = data.tree.flatMap(({ path, type }) => (type === 'blob' && path !== undefined ? [path] : []));
        return { paths, isComplete: !data.truncated };
      }),

    changedFiles: (repository, baseSha, headSha) =>
      session.call('Comparing commits', repository, async (octokit, at) => {
        const { data } = await octokit.request('GET /repos/{owner}/{repo}/compare/{basehead}', {
          ...at,
          basehead: `${baseSha}...${headSha}`,
        });
        const files = data.files ?? [];
        // The first page lists 300 files at most.
        return {
          paths: files.flatMap(({ filename, previous_filename }) => [
            filename,
            ...(previous_filename === undefined ? [] : [previous_filename]),
          ]),
          isComplete: files.length < 300,
        };
      }),

    defaultBranch: (repository) =>
      session.call('Reading the default branch', repository, async (octokit, at) => {
        const { data } = await octokit.request('GET /repos/{owner}/{repo}', { ...at });
        return data.default_branch;
      }),

    branchHead: (repository, branch) =>
      session.call(`Reading branch ${branch}`, repository, async (octokit, at) => {
        try {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/branches/{branch}', { ...at, branch });
          return Sha(data.commit.sha);
        } catch (error) {
          if (isStatus(error, 404)) return undefined;
          throw error;
        }
      }),

    branchHeads: (repository) =>
      session.call('Listing branches', repository, async (octokit, at) => {
        const { entries, isComplete } = await branches.read(repository, async (page) => {
          const { data, headers } = await octokit.request('GET /repos/{owner}/{repo}/branches', { ...at, ...page });
          const shown = data.filter(({ name }) => !name.startsWith(queuePrefix));
          const heads = shown.map(({ name, commit }) => ({ branch: name, sha: Sha(commit.sha) }));
          return { entries: heads, sent: data.length, etag: headers.etag };
        });
        return { heads: entries, isComplete };
      }),

    tagHeads: (repository) =>
      session.call('Listing tags', repository, async (octokit, at) => {
        const { entries, isComplete } = await tags.read(repository, async (page) => {
          const { data, headers } = await octokit.request('GET /repos/{owner}/{repo}/tags', { ...at, ...page });
          const heads = data.map(({ name, commit }) => ({ tag: name, sha: Sha(commit.sha) }));
          return { entries: heads, sent: data.length, etag: headers.etag };
        });
        return { heads: entries, isComplete };
      }),

    cloneAccess: (repository) =>
      session.call('Getting read access for a clone', repository, async () => {
        return {
          url: `${origin}/${repository.owner}/${repository.name}.git`,
          credential: { username: 'x-access-token', password: await session.cloneToken(repository) },
        };
      }),
  };
}
