import { isSha } from '../../engine/core/trigger.ts';
import type { GitHost, PullRequest } from '../git-host.ts';
import { type GitHubSession, isStatus } from './session.ts';

const perPage = 100;
const maxPages = 10;
/** GitHub lists 3,000 files at most. */
const maxFilePages = 30;

/** Pull requests, and what people may do. */
export function pullRequests(
  session: GitHubSession,
): Pick<GitHost, 'pullRequest' | 'openPullRequests' | 'pullRequestFiles' | 'permissionOf'> {
  return {
    pullRequest: (repository, number) =>
      session.call(`Reading pull request ${number}`, repository, async (octokit, at) => {
        try {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', {
            ...at,
            pull_number: number,
          });
          return toPullRequest(data);
        } catch (error) {
          if (isStatus(error, 404)) return undefined;
          throw error;
        }
      }),

    openPullRequests: (repository) =>
      session.call('Listing pull requests', repository, async (octokit, at) => {
        const found: PullRequest[] = [];
        for (let page = 1; page <= maxPages; page += 1) {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls', {
            ...at,
            state: 'open',
            per_page: perPage,
            page,
          });
          found.push(...data.flatMap((pull) => toPullRequest(pull) ?? []));
          if (data.length < perPage) break;
        }
        return found;
      }),

    pullRequestFiles: (repository, number) =>
      session.call(`Listing the files of pull request ${number}`, repository, async (octokit, at) => {
        const paths: string[] = [];
        for (let page = 1; page <= maxFilePages; page += 1) {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}/files', {
            ...at,
            pull_number: number,
            per_page: perPage,
            page,
          });
          for (const { filename, previous_filename } of data) {
            paths.push(filename);
            if (previous_filename !== undefined) paths.push(previous_filename);
          }
          if (data.length < perPage) return { paths, isComplete: true };
        }
        return { paths, isComplete: false };
      }),

    permissionOf: (repository, login) =>
      session.call(`Looking up the permission of ${login}`, repository, async (octokit, at) => {
        try {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/collaborators/{username}/permission', {
            ...at,
            username: login,
          });
          const { permission } = data;
          return permission === 'admin' || permission === 'write' || permission === 'read' ? permission : 'none';
        } catch (error) {
          if (isStatus(error, 404)) return 'none';
          throw error;
        }
      }),
  };
}

function toPullRequest(pull: {
  readonly number: number;
  readonly title: string;
  readonly draft?: boolean;
  readonly user: { readonly login: string; readonly id: number | bigint } | null;
  readonly labels: readonly { readonly name?: string }[];
  readonly head: { readonly ref: string; readonly sha: string; readonly repo: { readonly id: number | bigint } | null };
  readonly base: { readonly ref: string; readonly sha: string; readonly repo: { readonly id: number | bigint } };
}): PullRequest | undefined {
  const { head, base } = pull;
  if (!isSha(head.sha) || !isSha(base.sha)) return undefined;
  return {
    number: pull.number,
    title: pull.title,
    headRef: head.ref,
    headSha: head.sha,
    isFork: head.repo?.id !== base.repo.id,
    baseRef: base.ref,
    baseSha: base.sha,
    isDraft: pull.draft ?? false,
    author: pull.user?.login ?? 'ghost',
    authorId: String(pull.user?.id ?? ''),
    labels: pull.labels.flatMap(({ name }) => name ?? []),
  };
}
