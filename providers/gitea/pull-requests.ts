import { z } from 'zod';
import { isSha } from '../../engine/core/trigger.ts';
import type { PullRequest as OurPullRequest, ReadsPullRequests } from '../git-host.ts';
import { isAnswer } from '../host-fault.ts';
import { Comparison } from './reading-code.ts';
import { PullRequest } from './schema.ts';
import { type GiteaSession, orNone } from './session.ts';

const maxPullRequests = 1_000;
const maxFiles = 3_000;

const ChangedFile = z.object({ filename: z.string(), previous_filename: z.string().nullish() });

/** Pull requests, and what became of them. */
export function pullRequests(session: GiteaSession): ReadsPullRequests {
  return {
    pullRequest: (repository, number) =>
      session.call(`Reading pull request ${number}`, repository, async (api, at) => {
        const found = await orNone(api, at, api.ask(PullRequest, 'GET', [...at, 'pulls', String(number)]));
        return found === undefined ? undefined : toPullRequest(found);
      }),

    openPullRequests: (repository) =>
      session.call('Listing pull requests', repository, async (api, at) => {
        const query = { state: 'open', sort: 'oldest' };
        const { entries } = await api.all(PullRequest, [...at, 'pulls'], maxPullRequests, query);
        return entries.flatMap((pull) => toPullRequest(pull) ?? []);
      }),

    pullRequestFiles: (repository, number) =>
      session.call(`Listing the files of pull request ${number}`, repository, async (api, at) => {
        const path = [...at, 'pulls', String(number), 'files'];
        const { entries, isComplete } = await api.all(ChangedFile, path, maxFiles);
        const paths = entries.flatMap(({ filename, previous_filename: old }) =>
          typeof old === 'string' && old !== '' && old !== filename ? [filename, old] : [filename],
        );
        return { paths, isComplete };
      }),

    mergedAs: (repository, sha) =>
      session.call(`Looking for the pull request merged as ${sha}`, repository, async (api, at) => {
        // Gitea finds it by the merge commit alone, never by the head of an open one.
        const found = await orNone(api, at, api.ask(PullRequest, 'GET', [...at, 'commits', sha, 'pull']));
        return found?.merged === true ? found.number : undefined;
      }),

    holds: (repository, tip, sha) =>
      session.call('Comparing commits', repository, async (api, at) => {
        if (tip === sha) return true;
        try {
          // What leads from the tip to the commit: nothing, where the tip has it already.
          const path = [...at, 'compare', `${tip}...${sha}`];
          return (await api.ask(Comparison, 'GET', path)).total_commits === 0;
        } catch (error) {
          if (isAnswer(error, 413)) return false;
          throw error;
        }
      }),
  };
}

function toPullRequest(pull: z.infer<typeof PullRequest>): OurPullRequest | undefined {
  const { head, base } = pull;
  if (!isSha(head.sha) || !isSha(base.sha)) return undefined;
  const isGone = head.repo === undefined || head.repo === null;
  return {
    number: pull.number,
    title: pull.title,
    state: pull.merged === true ? 'merged' : pull.state,
    headRef: head.ref,
    headSha: head.sha,
    ...(isGone ? {} : { headRepositoryId: String(head.repo_id) }),
    isFork: isGone || head.repo_id !== base.repo_id,
    baseRef: base.ref,
    baseSha: base.sha,
    isDraft: pull.draft,
    author: pull.user?.login ?? 'ghost',
    authorId: String(pull.user?.id ?? ''),
    labels: (pull.labels ?? []).map(({ name }) => name),
  };
}
