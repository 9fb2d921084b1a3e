import type { Pull, QueueEntry } from '../entities.ts';
import { mergeTrees } from '../git/merge.ts';
import { type Actor, gitOf, type Host } from '../host.ts';
import { Refusal } from '../refusal.ts';
import { emit } from '../webhooks/emit.ts';
import { messageOf } from './merge-pull.ts';
import { recordMerge } from './pull-follow.ts';
import { announceRefs } from './refs.ts';
import { requiredState } from './required-checks.ts';

type Reason = 'merged' | 'invalidated' | 'dequeued';

/** Merges once the checks of what it would become passed: one pull request at a time, in the order asked. @throws Refusal 405 */
export async function joinQueue(host: Host, pull: Pull, actor: Actor): Promise<void> {
  if (pull.state !== 'open' || pull.draft) throw new Refusal(405, 'Pull Request is not mergeable');
  const key = { repositoryId: pull.repositoryId, number: pull.number };
  if (host.store.queue.findByKey(`${key.repositoryId}#${key.number}`) === undefined)
    host.store.queue.insert({ ...key, baseRef: pull.baseRef, byId: actor.account.id, group: null });
  await moveQueues(host, pull.repositoryId);
}

/** Looks what the first of each queue waits for, and goes on as far as it can. Safe to call at any time. */
export async function moveQueues(host: Host, repositoryId: number): Promise<void> {
  const isFirst = (entry: QueueEntry, index: number, all: readonly QueueEntry[]) =>
    all.findIndex(({ baseRef }) => baseRef === entry.baseRef) === index;
  for (const { id, byId } of host.store.queue.list(repositoryId).filter(isFirst)) {
    const actor = { account: host.store.accounts.get(byId), appId: null };
    const end = await host.refLock.run(repositoryId, async () => {
      // As it is by now: others move the queue too.
      const entry = host.store.queue.find(id);
      return entry === undefined ? 'waits' : move(host, entry, actor);
    });
    // The branches are told of by who holds no lock.
    if (end !== 'waits') await announceRefs(host, repositoryId, actor);
    if (end === 'over') await moveQueues(host, repositoryId);
  }
}

async function move(host: Host, entry: QueueEntry, actor: Actor): Promise<'waits' | 'begun' | 'over'> {
  const git = gitOf(host, entry.repositoryId);
  const pull = host.store.pulls.findByKey(`${entry.repositoryId}#${entry.number}`);
  const base = await git.resolve(`refs/heads/${entry.baseRef}`);
  const { group } = entry;
  if (pull?.state !== 'open' || base === undefined || (group !== null && group.pullSha !== pull.headSha))
    return leave(host, entry, actor, 'dequeued');
  if (group === null) return begin(host, entry, pull, base, actor);
  if (group.baseSha !== base) {
    await drop(host, entry, actor, 'invalidated');
    return begin(host, { ...entry, group: null }, pull, base, actor);
  }
  const state = requiredState(host, entry.repositoryId, entry.baseRef, group.headSha);
  if (state === 'pending') return 'waits';
  if (state === 'failed') return leave(host, entry, actor, 'dequeued');
  await git.updateRef(`refs/heads/${entry.baseRef}`, group.headSha, base);
  host.store.atomically(() => recordMerge(host, pull, group.headSha, actor));
  return leave(host, entry, actor, 'merged');
}

/** A branch of the queue's own with the merge in it, and the question whether it is good. */
async function begin(host: Host, entry: QueueEntry, pull: Pull, base: string, actor: Actor): Promise<'begun' | 'over'> {
  const git = gitOf(host, entry.repositoryId);
  const merged = await mergeTrees(git, base, pull.headSha);
  if (merged.type === 'conflict') return leave(host, entry, actor, 'dequeued');
  const message = messageOf(host, pull, { method: 'merge' });
  const headSha = await git.writeCommit({
    tree: merged.tree,
    parents: [base, pull.headSha],
    message,
    author: { name: actor.account.login, email: `${actor.account.login}@users.noreply.localhost` },
    at: host.now(),
  });
  const group = { ref: `gh-readonly-queue/${entry.baseRef}/pr-${pull.number}-${base}`, baseSha: base, headSha };
  await git.git(['update-ref', `refs/heads/${group.ref}`, headSha]);
  host.store.atomically(() => {
    const asked = host.store.queue.save({ ...entry, group: { ...group, pullSha: pull.headSha, message } });
    emitGroup(host, asked, 'checks_requested', actor);
  });
  return 'begun';
}

async function leave(host: Host, entry: QueueEntry, actor: Actor, reason: Reason): Promise<'over'> {
  await drop(host, entry, actor, reason);
  host.store.queue.delete(entry.id);
  return 'over';
}

async function drop(host: Host, entry: QueueEntry, actor: Actor, reason: Reason): Promise<void> {
  if (entry.group === null) return;
  await gitOf(host, entry.repositoryId).deleteRef(`refs/heads/${entry.group.ref}`, entry.group.headSha);
  emitGroup(host, entry, 'destroyed', actor, reason);
}

function emitGroup(
  host: Host,
  { repositoryId, baseRef, group }: QueueEntry,
  action: 'checks_requested' | 'destroyed',
  actor: Actor,
  reason?: Reason,
): void {
  if (group === null) return;
  emit(host, {
    event: 'merge_group',
    action,
    repository: host.store.repositories.get(repositoryId),
    sender: actor.account,
    body: {
      ...(reason === undefined ? {} : { reason }),
      merge_group: {
        head_sha: group.headSha,
        head_ref: `refs/heads/${group.ref}`,
        base_sha: group.baseSha,
        base_ref: `refs/heads/${baseRef}`,
        head_commit: { id: group.headSha, message: group.message },
      },
    },
  });
}
