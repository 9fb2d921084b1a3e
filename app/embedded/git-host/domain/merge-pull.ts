import type { Pull } from '../entities.ts';
import { mergeTrees } from '../git/merge.ts';
import { type Actor, gitOf, type Host, ownerOf } from '../host.ts';
import { Refusal } from '../refusal.ts';
import { recordMerge } from './pull-follow.ts';
import { announceRefs } from './refs.ts';
import { missingChecks } from './required-checks.ts';

export interface MergeRequest {
  readonly method: 'merge' | 'squash';
  /** The head that the merging person saw. */
  readonly expectedHeadSha?: string;
  readonly title?: string;
  readonly message?: string;
}

/** Merges by writing to the base branch, then says so like any push. @throws Refusal 405 not mergeable, 409 head moved */
export async function mergePull(host: Host, pull: Pull, actor: Actor, request: MergeRequest): Promise<Pull> {
  await host.refLock.run(pull.repositoryId, async () => {
    const current = host.store.pulls.get(pull.id);
    if (current.state !== 'open' || current.draft) throw new Refusal(405, 'Pull Request is not mergeable');
    if (request.expectedHeadSha !== undefined && request.expectedHeadSha !== current.headSha)
      throw new Refusal(409, 'Head branch was modified. Review and try the merge again.');
    if (host.store.repositories.get(pull.repositoryId).queuedBranches.includes(current.baseRef))
      throw new Refusal(405, 'Changes must be made through the merge queue');
    const missing = missingChecks(host, current);
    if (missing.length > 0)
      throw new Refusal(405, `Required status check ${missing.map((name) => `"${name}"`).join(', ')} is expected.`);
    const git = gitOf(host, current.repositoryId);
    const ref = `refs/heads/${current.baseRef}`;
    const base = await git.resolve(ref);
    if (base === undefined) throw new Refusal(405, 'Pull Request is not mergeable');
    const merged = await mergeTrees(git, base, current.headSha);
    if (merged.type === 'conflict') throw new Refusal(405, 'Pull Request is not mergeable');
    const sha = await git.writeCommit({
      tree: merged.tree,
      parents: request.method === 'squash' ? [base] : [base, current.headSha],
      message: messageOf(host, current, request),
      author: { name: actor.account.login, email: `${actor.account.login}@users.noreply.localhost` },
      at: host.now(),
    });
    await git.updateRef(ref, sha, base);
    // The record comes first, so that a squash, which the base's history does not show, is known as a merge too.
    host.store.atomically(() => recordMerge(host, host.store.pulls.get(pull.id), sha, actor));
  });
  await announceRefs(host, pull.repositoryId, actor);
  return host.store.pulls.get(pull.id);
}

export function messageOf(host: Host, pull: Pull, request: MergeRequest): string {
  const headOwner = ownerOf(host, host.store.repositories.get(pull.headRepositoryId)).login;
  const title =
    request.title ??
    (request.method === 'squash'
      ? `${pull.title} (#${pull.number})`
      : `Merge pull request #${pull.number} from ${headOwner}/${pull.headRef}`);
  const message = request.message ?? (request.method === 'squash' ? (pull.body ?? '') : pull.title);
  return message === '' ? title : `${title}\n\n${message}`;
}
