import type { KnownOfTrigger, Trigger } from '../engine/core/trigger.ts';
import type { GitHost } from '../providers/git-host.ts';

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
  const { type, number, actor } = known;
  const { headRef, headSha, isFork, baseRef, baseSha, isDraft, labels, state } = pull;
  return {
    type,
    repository,
    number,
    actor,
    action: state !== 'open' ? state : known.action === 'opened' ? 'opened' : 'updated',
    defaultBranch,
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
