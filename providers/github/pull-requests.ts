import { isSha, type Sha } from '../../engine/core/trigger.ts';
import type { PullRequest, ReadsPermissions, ReadsPullRequests } from '../git-host.ts';
import { KnownLists } from './known-lists.ts';
import { type GitHubSession, isStatus } from './session.ts';

const perPage = 100;
/** GitHub lists 3,000 files at most. */
const maxFilePages = 30;

/** Pull requests, and what people may do. */
export function pullRequests(session: GitHubSession): ReadsPullRequests & ReadsPermissions {
  const open = new KnownLists<PullRequest>();
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
        const { entries } = await open.read(repository, async (page) => {
          const asked = { ...at, ...page, state: 'open' } as const;
          const { data, headers } = await octokit.request('GET /repos/{owner}/{repo}/pulls', asked);
          const pulls = data.flatMap((pull) => toPullRequest(pull) ?? []);
          return { entries: pulls, sent: data.length, etag: headers.etag };
        });
        return entries;
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

    mergedAs: (repository, sha) =>
      session.call(`Looking for the pull request merged as ${sha}`, repository, async (octokit, at) => {
        const { data } = await octokit.request('GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', {
          ...at,
          commit_sha: sha,
          per_page: perPage,
        });
        const merged = data.filter(({ merged_at }) => merged_at !== null);
        return (merged.find((pull) => pull.merge_commit_sha === sha) ?? merged.find((pull) => pull.head.sha === sha))
          ?.number;
      }),

    holds: (repository, tip: Sha, sha: Sha) =>
      session.call('Comparing commits', repository, async (octokit, at) => {
        if (tip === sha) return true;
        const { data } = await octokit.request('GET /repos/{owner}/{repo}/compare/{basehead}', {
          ...at,
          basehead: `${tip}...${sha}`,
          per_page: 1,
        });
        return data.ahead_by === 0;
      }),

    isTeamMember: (repository, team, login) =>
      session.call(`Looking up whether ${login} is in ${team}`, repository, async (octokit) => {
        const [org = '', slug] = team.split('/');
        if (slug === undefined) return false;
        try {
          const { data } = await octokit.request('GET /orgs/{org}/teams/{team_slug}/memberships/{username}', {
            org,
            team_slug: slug,
            username: login,
          });
          return data.state === 'active';
        } catch (error) {
          if (isStatus(error, 404)) return false;
          throw error;
        }
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
  readonly state: string;
  readonly merged_at: string | null;
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
    state: pull.merged_at !== null ? 'merged' : pull.state === 'open' ? 'open' : 'closed',
    headRef: head.ref,
    headSha: head.sha,
    ...(head.repo === null ? {} : { headRepositoryId: String(head.repo.id) }),
    isFork: head.repo?.id !== base.repo.id,
    baseRef: base.ref,
    baseSha: base.sha,
    isDraft: pull.draft ?? false,
    author: pull.user?.login ?? 'ghost',
    authorId: String(pull.user?.id ?? ''),
    labels: pull.labels.flatMap(({ name }) => name ?? []),
  };
}
