import { z } from 'zod';
import { isSha, type Sha } from '../../engine/core/trigger.ts';
import type { Permission, PullRequest, ReadsPermissions, ReadsPullRequests } from '../git-host.ts';
import { isAnswer } from '../host-fault.ts';
import { pathsOf } from './reading-code.ts';
import { allPages, type GitLabApi, type GitLabSession } from './session.ts';

const maxPages = 10;
/** GitLab.com lists 3,000 files at most. */
const maxFilePages = 30;
const developer = 30;
const maintainer = 40;
/** Guest; less is a member in name alone. */
const guest = 10;

/** Merge requests, and what people may do. */
export function pullRequests(session: GitLabSession): ReadsPullRequests & ReadsPermissions {
  return {
    pullRequest: (repository, number) =>
      session.call(`Reading merge request ${number}`, repository, async (api, projectId) => {
        try {
          const request = await api.MergeRequests.show(projectId, number);
          return toPullRequest(request, await headOf(api, projectId, request.target_branch));
        } catch (error) {
          if (isAnswer(error, 404, /^404 (?:merge ?request )?not found/i)) return undefined;
          throw error;
        }
      }),

    openPullRequests: (repository) =>
      session.call('Listing merge requests', repository, async (api, projectId) => {
        const { entries } = await allPages(maxPages, (page) =>
          api.MergeRequests.all({ projectId, state: 'opened', ...page }),
        );
        const heads = new Map<string, Sha | undefined>();
        const found: PullRequest[] = [];
        for (const request of entries) {
          const { target_branch: base } = request;
          if (!heads.has(base)) heads.set(base, await headOf(api, projectId, base));
          const pull = toPullRequest(request, heads.get(base));
          if (pull !== undefined) found.push(pull);
        }
        return found;
      }),

    pullRequestFiles: (repository, number) =>
      session.call(`Listing the files of merge request ${number}`, repository, async (api, projectId) => {
        const { changes_count } = await api.MergeRequests.show(projectId, number);
        const { entries, isComplete } = await allPages(maxFilePages, (page) =>
          api.MergeRequests.allDiffs(projectId, number, page),
        );
        // "1000+": GitLab stopped counting, and listing. None at all: it has not looked yet.
        const counted = /^\d+$/.test(changes_count ?? '') ? Number(changes_count) : undefined;
        return { paths: pathsOf(entries), isComplete: isComplete && counted === entries.length };
      }),

    mergedAs: (repository, sha) =>
      session.call(`Looking for the merge request merged as ${sha}`, repository, async (api, projectId) => {
        const found = await api.Commits.allMergeRequests(projectId, sha);
        const merged = found.filter(({ state }) => state === 'merged');
        return merged.find((request) =>
          [request.merge_commit_sha, request.squash_commit_sha, request.sha].includes(sha),
        )?.iid;
      }),

    holds: (repository, tip, sha) =>
      session.call('Comparing commits', repository, async (api, projectId) => {
        if (tip === sha) return true;
        try {
          return (await api.Repositories.mergeBase(projectId, [tip, sha])).id === sha;
        } catch (error) {
          // Two commits without a common one.
          if (isAnswer(error, 404, /merge base/i)) return false;
          throw error;
        }
      }),

    isTeamMember: (repository, team, login) =>
      session.call(`Looking up whether ${login} is in ${team}`, repository, async (api) => {
        const user = await userOf(api, login);
        if (user === undefined) return false;
        try {
          const member: unknown = await api.GroupMembers.show(team, user.id, { includeInherited: true });
          return ActiveMember.safeParse(member).success;
        } catch (error) {
          if (isAnswer(error, 404, /^404 (?:(?:group |member )?not found)/i)) return false;
          throw error;
        }
      }),

    permissionOf: (repository, login) =>
      session.call(`Looking up the permission of ${login}`, repository, async (api, projectId) => {
        const user = await userOf(api, login);
        if (user === undefined) return 'none';
        try {
          // Groups above the project, and groups that it was shared with, count too.
          return permissionOf(await api.ProjectMembers.show(projectId, user.id, { includeInherited: true }));
        } catch (error) {
          if (isAnswer(error, 404, /^404 (?:member )?not found/i)) return 'none';
          throw error;
        }
      }),
  };
}

async function userOf(api: GitLabApi, login: string): Promise<{ readonly id: number } | undefined> {
  const found = await api.Users.all({ username: login, page: 1, perPage: 1 });
  return found.find(({ username }) => username.toLowerCase() === login.toLowerCase());
}

const ActiveMember = z.object({
  access_level: z.number(),
  state: z.literal('active'),
  membership_state: z.literal('active').optional(),
});

/** Whoever is blocked, invited or awaits consent may do nothing yet; nor does an answer count that is not understood. */
function permissionOf(member: unknown): Permission {
  const level = ActiveMember.safeParse(member).data?.access_level ?? 0;
  return level >= maintainer ? 'admin' : level >= developer ? 'write' : level >= guest ? 'read' : 'none';
}

/** The tip of the base, which a merge request itself does not tell: its `diff_refs` name the merge base. */
async function headOf(api: GitLabApi, projectId: string, branch: string): Promise<Sha | undefined> {
  try {
    const { id } = (await api.Branches.show(projectId, branch)).commit;
    return isSha(id) ? id : undefined;
  } catch (error) {
    if (isAnswer(error, 404, /branch not found/i)) return undefined;
    throw error;
  }
}

function toPullRequest(
  request: {
    readonly iid: number;
    readonly title: string;
    readonly state: string;
    readonly source_branch: string;
    readonly target_branch: string;
    readonly source_project_id: number | null;
    readonly target_project_id: number;
    readonly sha: string | null;
    readonly draft: boolean;
    readonly author: { readonly username: string; readonly id: number } | null;
    readonly labels?: readonly (string | { readonly name: string })[];
  },
  baseSha: Sha | undefined,
): PullRequest | undefined {
  if (request.sha === null || !isSha(request.sha) || baseSha === undefined) return undefined;
  return {
    number: request.iid,
    title: request.title,
    state: request.state === 'merged' ? 'merged' : request.state === 'opened' ? 'open' : 'closed',
    headRef: request.source_branch,
    headSha: request.sha,
    ...(request.source_project_id === null ? {} : { headRepositoryId: String(request.source_project_id) }),
    isFork: request.source_project_id !== request.target_project_id,
    baseRef: request.target_branch,
    baseSha,
    isDraft: request.draft,
    author: request.author?.username ?? 'ghost',
    authorId: String(request.author?.id ?? ''),
    labels: (request.labels ?? []).map((label) => (typeof label === 'string' ? label : label.name)),
  };
}
