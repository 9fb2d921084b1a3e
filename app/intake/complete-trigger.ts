import type { KnownOfTrigger, PullRequestTrigger, Trigger } from '../../engine/core/trigger.ts';
import type { GitHost, PullRequest } from '../../providers/git-host.ts';

/**
 * Asks the host for what the delivery left out, and for a pull request as it is now: deliveries come late and in any
 * order, so that what one says of its head may be over already.
 * @returns undefined when the pull request is gone
 * @throws GitHostError when the host cannot be asked; the caller tries again
 */
export async function completeTrigger(
  known: KnownOfTrigger,
  host: Pick<GitHost, 'defaultBranch' | 'pullRequest'>,
): Promise<Trigger | undefined> {
  const { repository } = known;
  const defaultBranch = known.defaultBranch ?? (await host.defaultBranch(repository));
  if (known.type !== 'pull_request') return { ...known, defaultBranch };
  const pull = await host.pullRequest(repository, known.number);
  if (pull === undefined) return undefined;
  return triggerOf(pull, {
    repository,
    actor: known.actor,
    defaultBranch,
    action: known.action === 'opened' ? 'opened' : 'updated',
  });
}

/** A pull request as it stands at the host; `action` where it is open. */
export function triggerOf(
  pull: PullRequest,
  facts: Pick<PullRequestTrigger, 'repository' | 'actor' | 'defaultBranch' | 'action'>,
): PullRequestTrigger {
  const { number, headRef, headSha, isFork, baseRef, baseSha, isDraft, labels, state } = pull;
  return {
    type: 'pull_request',
    ...facts,
    number,
    action: state === 'open' ? facts.action : state,
    title: pull.title.slice(0, 300),
    author: { login: pull.author, id: pull.authorId },
    headRef,
    headSha,
    isFork,
    baseRef,
    baseSha,
    isDraft,
    labels,
  };
}
