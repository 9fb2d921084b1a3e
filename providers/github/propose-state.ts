import type { GitHost } from '../git-host.ts';
import { type GitHubSession, isStatus } from './session.ts';

/** Brings a branch back by a commit with an earlier one's tree: exact, whatever changed in between. Takes `contents: write`. */
export function proposeState(session: GitHubSession): Pick<GitHost, 'proposeState'> {
  return {
    proposeState: (repository, { branch, base, tip, sha, title, body }) =>
      session.call(`Opening a pull request into ${base}`, repository, async (octokit, at) => {
        const open = await octokit.request('GET /repos/{owner}/{repo}/pulls', {
          ...at,
          state: 'open',
          head: `${at.owner}:${branch}`,
          base,
        });
        const [known] = open.data;
        if (known !== undefined) return known.number;
        const { data: wanted } = await octokit.request('GET /repos/{owner}/{repo}/git/commits/{commit_sha}', {
          ...at,
          commit_sha: sha,
        });
        const { data: commit } = await octokit.request('POST /repos/{owner}/{repo}/git/commits', {
          ...at,
          message: `${title}\n\n${body}`,
          tree: wanted.tree.sha,
          parents: [tip],
        });
        try {
          await octokit.request('POST /repos/{owner}/{repo}/git/refs', {
            ...at,
            ref: `refs/heads/${branch}`,
            sha: commit.sha,
          });
        } catch (error) {
          // Made before, and killed before the pull request was: the name says that it holds the same.
          if (!isStatus(error, 422)) throw error;
        }
        const { data: pull } = await octokit.request('POST /repos/{owner}/{repo}/pulls', {
          ...at,
          title,
          body,
          head: branch,
          base,
        });
        return pull.number;
      }),
  };
}
