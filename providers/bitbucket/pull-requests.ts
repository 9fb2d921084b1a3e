import { z } from 'zod';
import { isSha, type Sha } from '../../engine/core/trigger.ts';
import type { Permission, PullRequest, ReadsPermissions, ReadsPullRequests } from '../git-host.ts';
import { GitHostError } from '../git-host-error.ts';
import { isAnswer } from './error.ts';
import { DiffStat, headsOf, pathsOf } from './reading-code.ts';
import { Account, personOf } from './schema.ts';
import { type At, allPages, type BitbucketApi, type BitbucketSession } from './session.ts';

const maxPages = 20;
const maxFilePages = 10;

const side = z.object({
  branch: z.object({ name: z.string() }),
  commit: z.object({ hash: z.string() }).nullish(),
  /** None where a fork is gone. */
  repository: z.object({ uuid: z.string() }).nullish(),
});
const Pull = z.object({
  id: z.number(),
  title: z.string(),
  state: z.string(),
  draft: z.boolean().default(false),
  author: Account.nullish(),
  source: side,
  destination: side,
});
type Pull = z.infer<typeof Pull>;
const Commit = z.object({ hash: z.string() });
const Merged = z.object({ id: z.number(), merge_commit: z.object({ hash: z.string() }).nullish() });
const EffectivePermission = z.object({
  user: z.object({ uuid: z.string() }),
  permission: z.enum(['admin', 'write', 'read']),
});

/** Pull requests, and what people may do. */
export function pullRequests(session: BitbucketSession): ReadsPullRequests & ReadsPermissions {
  return {
    pullRequest: (repository, number) =>
      session.call(`Reading pull request ${number}`, repository, async (api, at) => {
        try {
          const { data } = await api.pullrequests.get({ ...at, pull_request_id: number });
          const [pull] = await complete(api, at, [Pull.parse(data)]);
          return pull;
        } catch (error) {
          if (!isAnswer(error, 404)) throw error;
          // A repository that is not seen is no missing pull request.
          await api.repositories.get({ ...at });
          return undefined;
        }
      }),

    openPullRequests: (repository) =>
      session.call('Listing pull requests', repository, async (api, at) => {
        const { entries } = await allPages(api, Pull, maxPages, () =>
          api.pullrequests.list({ ...at, state: 'OPEN', pagelen: 50 }),
        );
        return complete(api, at, entries);
      }),

    pullRequestFiles: (repository, number) =>
      session.call(`Listing the files of pull request ${number}`, repository, async (api, at) => {
        const { entries, isComplete } = await allPages(api, DiffStat, maxFilePages, () =>
          api.pullrequests.getDiffStat({ ...at, pull_request_id: number, pagelen: 500 }),
        );
        return { paths: pathsOf(entries), isComplete };
      }),

    mergedAs: (repository, sha) =>
      session.call(`Looking for the pull request merged as ${sha}`, repository, async (api, at) => {
        // Asked when a push arrives, so it is among the newest ones.
        const { entries } = await allPages(api, Merged, 1, () =>
          api.pullrequests.list({ ...at, state: 'MERGED', sort: '-updated_on', pagelen: 50 }),
        );
        return entries.find(({ merge_commit }) => {
          const hash = merge_commit?.hash ?? '';
          return hash.length >= 12 && sha.startsWith(hash);
        })?.id;
      }),

    holds: (repository, tip, sha) =>
      session.call('Comparing commits', repository, async (api, at) => {
        if (tip === sha) return true;
        try {
          const { data } = await api.repositories.getMergeBase({ ...at, revspec: `${tip}..${sha}` });
          return Commit.parse(data).hash === sha;
        } catch (error) {
          if (!isAnswer(error, 404)) throw error;
          // Two commits without a common one; one that is not seen is no answer.
          for (const commit of [tip, sha]) await api.commits.get({ ...at, commit });
          return false;
        }
      }),

    isTeamMember: async () => false,

    permissionOf: (repository, login) =>
      session.call(`Looking up the permission of ${login}`, repository, async (api, at) => {
        const uuid = await uuidOf(api, login);
        if (uuid === undefined) return 'none';
        // Effective: groups and the workspace count too.
        const { entries } = await allPages(api, EffectivePermission, 1, () =>
          api.workspaces.listPermissionsForRepository({ ...at, q: `user.uuid = "${uuid}"` }),
        );
        return entries.find(({ user }) => user.uuid === uuid)?.permission ?? ('none' satisfies Permission);
      }),
  };
}

/** Permissions are found by uuid alone; people are known by their account's id. */
async function uuidOf(api: BitbucketApi, login: string): Promise<string | undefined> {
  try {
    const { uuid } = Account.parse((await api.users.get({ selected_user: login })).data);
    return typeof uuid === 'string' && /^\{[0-9a-f-]{36}\}$/i.test(uuid) ? uuid : undefined;
  } catch (error) {
    if (isAnswer(error, 404)) return undefined;
    throw error;
  }
}

/**
 * Adds what pull requests leave out: full hashes, and where the base is now. Branches of the repository itself are
 * asked for together, so that a list costs a few requests and not some for each.
 */
async function complete(api: BitbucketApi, at: At, pulls: readonly Pull[]): Promise<readonly PullRequest[]> {
  const branches = pulls.flatMap((pull) => [
    pull.destination.branch.name,
    ...(isFork(pull) ? [] : [pull.source.branch.name]),
  ]);
  const heads = await headsOf(api, at, [...new Set(branches)]);
  const found: PullRequest[] = [];
  for (const pull of pulls) {
    const baseSha = heads.get(pull.destination.branch.name);
    // The base is gone: there is nothing to compare with.
    if (baseSha === undefined) continue;
    const { login, id } = personOf(pull.author ?? {});
    found.push({
      number: pull.id,
      title: pull.title,
      state: pull.state === 'OPEN' ? 'open' : pull.state === 'MERGED' ? 'merged' : 'closed',
      headRef: pull.source.branch.name,
      headSha: await headOf(api, at, pull, heads),
      ...(typeof pull.source.repository?.uuid === 'string' ? { headRepositoryId: pull.source.repository.uuid } : {}),
      isFork: isFork(pull),
      baseRef: pull.destination.branch.name,
      baseSha,
      isDraft: pull.draft,
      author: login,
      authorId: id,
      labels: [],
    });
  }
  return found;
}

function isFork({ source, destination }: Pull): boolean {
  return source.repository?.uuid === undefined || source.repository.uuid !== destination.repository?.uuid;
}

/** @throws GitHostError `conflict` when the branch moved while it was looked at */
async function headOf(api: BitbucketApi, at: At, pull: Pull, heads: ReadonlyMap<string, Sha>): Promise<Sha> {
  const short = pull.source.commit?.hash ?? '';
  const tip = isFork(pull) ? undefined : heads.get(pull.source.branch.name);
  if (short.length >= 12 && tip?.startsWith(short)) return tip;
  // A fork, a branch that is gone, or one that moved just now: newest first.
  const { entries } = await allPages(api, Commit, 1, () =>
    api.pullrequests.listCommits({ ...at, pull_request_id: pull.id, pagelen: 1 }),
  );
  const hash = entries[0]?.hash ?? '';
  if (short.length >= 12 && isSha(hash) && hash.startsWith(short)) return hash;
  throw new GitHostError({
    code: 'conflict',
    what: `Reading the head of pull request ${pull.id}`,
    why: 'It moved while it was looked at',
    fix: 'It is tried again',
  });
}
