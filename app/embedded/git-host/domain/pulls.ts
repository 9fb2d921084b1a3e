import { covers, roleOf } from '../access/authorize.ts';
import type { Pull, Repository } from '../entities.ts';
import { mergeTrees } from '../git/merge.ts';
import { isRefName } from '../git/ref-name.ts';
import { type Actor, findRepository, gitOf, type Host, ownerOf, timestamp } from '../host.ts';
import { notFound, type Refusal, validationFailed } from '../refusal.ts';
import { emitPull } from './pull-events.ts';
import { readStats } from './pull-stats.ts';

export function findPull(host: Host, repository: Repository, number: number): Pull {
  const pull = host.store.pulls.findByKey(`${repository.id}#${number}`);
  if (pull === undefined) throw notFound();
  return pull;
}

/** @param request.head a branch, or `<owner>:<branch>` of a fork. @throws Refusal 422 */
export async function openPull(
  host: Host,
  repository: Repository,
  actor: Actor,
  request: {
    readonly title: string;
    readonly body: string | null;
    readonly head: string;
    readonly base: string;
    readonly draft: boolean;
  },
): Promise<Pull> {
  const head = headOf(host, repository, request.head);
  const invalid = (field: string) => validationFailed({ resource: 'PullRequest', field, code: 'invalid' });
  if (!isRefName(head.branch)) throw invalid('head');
  if (!isRefName(request.base)) throw invalid('base');
  if (!covers(roleOf(host, head.repository, actor.account.id), 'read') && actor.appId === null) throw invalid('head');
  const git = gitOf(host, repository.id);
  const [headSha, baseSha] = await Promise.all([
    gitOf(host, head.repository.id).resolve(`refs/heads/${head.branch}`),
    git.resolve(`refs/heads/${request.base}`),
  ]);
  if (headSha === undefined) throw invalid('head');
  if (baseSha === undefined) throw invalid('base');

  const number = host.store.atomically(() => {
    const label = `${ownerOf(host, head.repository).login}:${head.branch}`;
    const isOpen = host.store.pulls
      .list(repository.id)
      .some(
        (pull) =>
          pull.state === 'open' &&
          pull.headRepositoryId === head.repository.id &&
          pull.headRef === head.branch &&
          pull.baseRef === request.base,
      );
    if (isOpen) throw custom(`A pull request already exists for ${label}.`);
    const latest = host.store.repositories.get(repository.id);
    return host.store.repositories.save({ ...latest, lastNumber: latest.lastNumber + 1 }).lastNumber;
  });
  await git.fetchFrom(gitOf(host, head.repository.id), headSha, `refs/pull/${number}/head`);
  const stats = await readStats(git, baseSha, headSha);
  if (stats.commits === 0) throw custom(`No commits between ${request.base} and ${request.head}`);
  const now = timestamp(host.now());
  return host.store.atomically(() => {
    const pull = host.store.pulls.insert({
      repositoryId: repository.id,
      number,
      authorId: actor.account.id,
      title: request.title,
      body: request.body,
      state: 'open',
      draft: request.draft,
      headRepositoryId: head.repository.id,
      headRef: head.branch,
      headSha,
      baseRef: request.base,
      baseSha,
      labelIds: [],
      stats,
      mergeCommitSha: null,
      mergedById: null,
      mergedAt: null,
      closedAt: null,
      createdAt: now,
      updatedAt: now,
    });
    emitPull(host, pull, 'opened', actor);
    return pull;
  });
}

function headOf(host: Host, repository: Repository, head: string): { repository: Repository; branch: string } {
  const colon = head.indexOf(':');
  if (colon < 0) return { repository, branch: head };
  const owner = head.slice(0, colon).toLowerCase();
  const branch = head.slice(colon + 1);
  if (ownerOf(host, repository).login.toLowerCase() === owner) return { repository, branch };
  const fork = host.store.repositories
    .all()
    .find((each) => each.forkOfId === repository.id && ownerOf(host, each).login.toLowerCase() === owner);
  if (fork === undefined || findRepository(host, owner, fork.name) === undefined)
    throw validationFailed({ resource: 'PullRequest', field: 'head', code: 'invalid' });
  return { repository: fork, branch };
}

function custom(message: string): Refusal {
  return validationFailed({ resource: 'PullRequest', field: 'base', code: 'custom', message });
}

export interface PullEdit {
  readonly title?: string;
  readonly body?: string | null;
  readonly base?: string;
  readonly state?: 'open' | 'closed';
  readonly draft?: boolean;
}

/** Changes what is given; each kind of change is a webhook of its own. @throws Refusal 422 */
export async function editPull(host: Host, known: Pull, actor: Actor, edit: PullEdit): Promise<Pull> {
  const git = gitOf(host, known.repositoryId);
  const baseRef = edit.base ?? known.baseRef;
  const baseSha = isRefName(baseRef) ? await git.resolve(`refs/heads/${baseRef}`) : undefined;
  if (edit.base !== undefined && baseSha === undefined)
    throw validationFailed({ resource: 'PullRequest', field: 'base', code: 'invalid' });
  if (edit.state === 'open' && known.mergedAt !== null)
    throw validationFailed({ resource: 'PullRequest', field: 'state', code: 'invalid' });
  const reopened = edit.state === 'open' && known.state === 'closed';
  const headSha = reopened
    ? await gitOf(host, known.headRepositoryId).resolve(`refs/heads/${known.headRef}`)
    : known.headSha;
  if (headSha === undefined) throw custom(`state cannot be changed. The ${known.headRef} branch has been deleted.`);
  if (headSha !== known.headSha)
    await git.fetchFrom(gitOf(host, known.headRepositoryId), headSha, `refs/pull/${known.number}/head`);
  const moved = headSha !== known.headSha || baseRef !== known.baseRef;
  const stats = moved && baseSha !== undefined ? await readStats(git, baseSha, headSha) : known.stats;

  return host.store.atomically(() => {
    const before = host.store.pulls.get(known.id);
    const now = timestamp(host.now());
    const state = edit.state ?? before.state;
    const after = host.store.pulls.save({
      ...before,
      title: edit.title ?? before.title,
      body: edit.body === undefined ? before.body : edit.body,
      draft: edit.draft ?? before.draft,
      baseRef,
      baseSha: moved && baseSha !== undefined ? baseSha : before.baseSha,
      headSha: reopened ? headSha : before.headSha,
      stats: moved ? stats : before.stats,
      state,
      closedAt: state === 'closed' ? (before.closedAt ?? now) : null,
      updatedAt: now,
    });
    const changes = {
      ...(after.title === before.title ? {} : { title: { from: before.title } }),
      ...(after.body === before.body ? {} : { body: { from: before.body } }),
      ...(after.baseRef === before.baseRef
        ? {}
        : { base: { ref: { from: before.baseRef }, sha: { from: before.baseSha } } }),
    };
    if (Object.keys(changes).length > 0) emitPull(host, after, 'edited', actor, { changes }, { changes });
    if (after.state !== before.state) emitPull(host, after, after.state === 'open' ? 'reopened' : 'closed', actor);
    if (after.draft !== before.draft)
      emitPull(host, after, after.draft ? 'converted_to_draft' : 'ready_for_review', actor);
    return after;
  });
}

/** Whether the pull request would merge into its base as it stands now. */
export async function isMergeable(host: Host, pull: Pull): Promise<boolean> {
  const git = gitOf(host, pull.repositoryId);
  const base = await git.resolve(`refs/heads/${pull.baseRef}`);
  return base !== undefined && (await mergeTrees(git, base, pull.headSha)).type === 'clean';
}
