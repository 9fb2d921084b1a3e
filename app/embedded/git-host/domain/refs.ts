import type { Repository } from '../entities.ts';
import { zeroHash } from '../git/ref-name.ts';
import { type Actor, gitOf, type Host, timestamp } from '../host.ts';
import { tell } from '../webhooks/emit.ts';
import { requestCheckSuites } from './check-suites.ts';
import { followBranches } from './pull-follow.ts';
import { describePush, emitPush, type RefChange } from './push-events.ts';

/**
 * Compares the refs that git holds with those told of last, records the difference, moves pull requests along and
 * queues the webhooks, all in one transaction. The difference is found from what is stored, so a process killed
 * between git's write and this one announces the push at its next start.
 */
export async function announceRefs(host: Host, repositoryId: number, actor: Actor): Promise<void> {
  await host.refLock.run(repositoryId, async () => {
    const git = gitOf(host, repositoryId);
    const after = await git.refs();
    const repository = host.store.repositories.get(repositoryId);
    const before = repository.announcedRefs;
    const changes = changesBetween(before, after);
    if (changes.length === 0) return;

    const branch = firstBranch(repository, after);
    if (branch !== repository.defaultBranch) await git.setDefaultBranch(branch);
    const known = Object.values(before);
    const pushes: Awaited<ReturnType<typeof describePush>>[] = [];
    for (const change of changes) pushes.push(await describePush(host, repository, change, known, actor));
    const movePulls = await followBranches(host, repository, changes, actor);

    const now = timestamp(host.now());
    host.store.atomically(() => {
      const updated = host.store.repositories.save({
        ...host.store.repositories.get(repositoryId),
        announcedRefs: after,
        defaultBranch: branch,
        pushedAt: now,
        updatedAt: now,
      });
      for (const push of pushes) emitPush(host, updated, push, actor);
      tell(host, updated, actor.account, { type: 'push', pushes });
      for (const push of pushes) requestCheckSuites(host, updated, push, actor);
      movePulls();
    });
  });
}

/** What a process killed in the middle of a push left unsaid; the owner stands in for the unknown pusher. */
export async function announceLeftOver(host: Host): Promise<void> {
  for (const repository of host.store.repositories.all())
    await announceRefs(host, repository.id, { account: host.store.accounts.get(repository.ownerId), appId: null });
}

function changesBetween(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): RefChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((ref) => ({ ref, before: before[ref] ?? zeroHash, after: after[ref] ?? zeroHash }))
    .filter((change) => change.before !== change.after);
}

/** The first branch pushed to an empty repository becomes its default, as at GitHub. */
function firstBranch(repository: Repository, refs: Readonly<Record<string, string>>): string {
  if (refs[`refs/heads/${repository.defaultBranch}`] !== undefined) return repository.defaultBranch;
  if (Object.keys(repository.announcedRefs).some((ref) => ref.startsWith('refs/heads/')))
    return repository.defaultBranch;
  const first = Object.keys(refs).find((ref) => ref.startsWith('refs/heads/'));
  return first?.slice('refs/heads/'.length) ?? repository.defaultBranch;
}
