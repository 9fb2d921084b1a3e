import type { CheckSuite, SuiteCommit } from '../check-entities.ts';
import type { Repository } from '../entities.ts';
import { checkSuiteShape } from '../github/shapes/check.ts';
import { type Actor, type Host, timestamp } from '../host.ts';
import { emit } from '../webhooks/emit.ts';
import type { RefChange } from './push-events.ts';

/** One suite per commit and App, as at GitHub. */
export function ensureCheckSuite(
  host: Host,
  repository: Repository,
  appId: number,
  head: { readonly commit: SuiteCommit; readonly branch: string | null; readonly before: string | null },
): { readonly suite: CheckSuite; readonly isNew: boolean } {
  const known = host.store.checkSuites.findByKey(`${repository.id}@${head.commit.id}:${appId}`);
  if (known) return { suite: known, isNew: false };
  const now = timestamp(host.now());
  const suite = host.store.checkSuites.insert({
    repositoryId: repository.id,
    appId,
    headSha: head.commit.id,
    headCommit: head.commit,
    headBranch: head.branch,
    before: head.before,
    createdAt: now,
    updatedAt: now,
  });
  return { suite, isNew: true };
}

/** A push to a branch asks every App that writes checks for a suite. */
export function requestCheckSuites(
  host: Host,
  repository: Repository,
  push: RefChange & { readonly head_commit: SuiteCommit | null },
  actor: Actor,
): void {
  const { head_commit: commit } = push;
  if (!push.ref.startsWith('refs/heads/') || commit === null) return;
  for (const installation of host.store.installations.list(repository.ownerId)) {
    if (installation.permissions['checks'] !== 'write') continue;
    const { suite, isNew } = ensureCheckSuite(host, repository, installation.appId, {
      commit,
      branch: push.ref.slice('refs/heads/'.length),
      before: push.before,
    });
    if (isNew) emitSuite(host, repository, suite, 'requested', actor);
  }
}

export function emitSuite(
  host: Host,
  repository: Repository,
  suite: CheckSuite,
  action: 'requested' | 'rerequested',
  actor: Actor,
): void {
  emit(host, {
    event: 'check_suite',
    action,
    repository,
    sender: actor.account,
    body: { check_suite: checkSuiteShape(host, suite) },
    toAppId: suite.appId,
  });
}
