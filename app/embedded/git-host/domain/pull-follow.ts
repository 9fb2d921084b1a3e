import type { Pull, Repository } from '../entities.ts';
import { zeroHash } from '../git/ref-name.ts';
import { type Actor, gitOf, type Host, timestamp } from '../host.ts';
import { emitPull } from './pull-events.ts';
import { readStats } from './pull-stats.ts';
import type { RefChange } from './push-events.ts';

/**
 * Prepares what moved branches mean for open pull requests: new commits on a head, a head deleted, or a base that now
 * contains the head, which is a merge. Reads git first; the returned function then writes, inside the caller's transaction.
 */
export async function followBranches(
  host: Host,
  repository: Repository,
  changes: readonly RefChange[],
  actor: Actor,
): Promise<() => void> {
  const writes: (() => void)[] = [];
  for (const change of changes) {
    if (!change.ref.startsWith('refs/heads/')) continue;
    const branch = change.ref.slice('refs/heads/'.length);
    for (const pull of openPullsFrom(host, repository.id, branch))
      writes.push(
        change.after === zeroHash
          ? () => close(host, pull.id, actor)
          : await synchronize(host, pull, change.after, actor),
      );
    if (change.after === zeroHash) continue;
    for (const pull of host.store.pulls.list(repository.id)) {
      if (pull.state !== 'open' || pull.baseRef !== branch) continue;
      if (!(await gitOf(host, repository.id).isAncestor(pull.headSha, change.after))) continue;
      writes.push(() => markMerged(host, pull.id, change.after, actor));
    }
  }
  return () => {
    for (const write of writes) write();
  };
}

function openPullsFrom(host: Host, headRepositoryId: number, branch: string): Pull[] {
  const repository = host.store.repositories.get(headRepositoryId);
  const bases = repository.forkOfId === null ? [repository.id] : [repository.id, repository.forkOfId];
  return bases
    .flatMap((id) => host.store.pulls.list(id))
    .filter((pull) => pull.state === 'open' && pull.headRepositoryId === headRepositoryId && pull.headRef === branch);
}

async function synchronize(host: Host, pull: Pull, headSha: string, actor: Actor): Promise<() => void> {
  const git = gitOf(host, pull.repositoryId);
  await git.fetchFrom(gitOf(host, pull.headRepositoryId), headSha, `refs/pull/${pull.number}/head`);
  const baseSha = (await git.resolve(`refs/heads/${pull.baseRef}`)) ?? pull.baseSha;
  const stats = await readStats(git, baseSha, headSha);
  return () => {
    const before = host.store.pulls.get(pull.id);
    if (before.state !== 'open' || before.headSha === headSha) return;
    const updated = host.store.pulls.save({ ...before, headSha, baseSha, stats, updatedAt: timestamp(host.now()) });
    const moved = { before: before.headSha, after: headSha };
    emitPull(host, updated, 'synchronize', actor, moved, { before: before.headSha });
  };
}

function close(host: Host, pullId: number, actor: Actor): void {
  const now = timestamp(host.now());
  const pull = host.store.pulls.get(pullId);
  if (pull.state !== 'open') return;
  emitPull(host, host.store.pulls.save({ ...pull, state: 'closed', closedAt: now, updatedAt: now }), 'closed', actor);
}

/** Also the end of a merge by button or API: the base's push is what merges, whoever made it. */
function markMerged(host: Host, pullId: number, mergeCommitSha: string, actor: Actor): void {
  const pull = host.store.pulls.get(pullId);
  if (pull.state === 'open') recordMerge(host, pull, mergeCommitSha, actor);
}

export function recordMerge(host: Host, pull: Pull, mergeCommitSha: string, actor: Actor): Pull {
  const now = timestamp(host.now());
  const merged = host.store.pulls.save({
    ...pull,
    state: 'closed',
    mergedAt: now,
    closedAt: now,
    updatedAt: now,
    mergedById: actor.account.id,
    mergeCommitSha,
  });
  emitPull(host, merged, 'closed', actor);
  return merged;
}
