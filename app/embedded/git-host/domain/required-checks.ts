import type { CheckRun } from '../check-entities.ts';
import type { Pull } from '../entities.ts';
import type { Host } from '../host.ts';

/** The newest run of each check on a commit: one per App and name. */
export function latestCheckRuns(host: Host, repositoryId: number, sha: string): CheckRun[] {
  const latest = new Map<string, CheckRun>();
  for (const run of host.store.checkRuns.list(`${repositoryId}@${sha}`)) {
    const key = `${run.appId}:${run.name}`;
    latest.delete(key);
    latest.set(key, run);
  }
  return [...latest.values()];
}

/** Names of checks that must pass before this pull request may merge and have not. */
export function missingChecks(host: Host, { repositoryId, baseRef, headSha }: Pull): string[] {
  const required = requiredChecks(host, repositoryId, baseRef);
  if (required.length === 0) return [];
  const passed = passedChecks(host, repositoryId, headSha);
  return required.filter((name) => !passed.has(name));
}

/** What the checks that a branch requires say of a commit: `failed` as soon as one of them did not pass. */
export function requiredState(
  host: Host,
  repositoryId: number,
  baseRef: string,
  sha: string,
): 'passed' | 'pending' | 'failed' {
  const required = requiredChecks(host, repositoryId, baseRef);
  const passed = passedChecks(host, repositoryId, sha);
  const missing = required.filter((name) => !passed.has(name));
  const failed = latestCheckRuns(host, repositoryId, sha).filter(({ status }) => status === 'completed');
  if (failed.some(({ name }) => missing.includes(name))) return 'failed';
  return missing.length === 0 ? 'passed' : 'pending';
}

function requiredChecks(host: Host, repositoryId: number, branch: string): readonly string[] {
  return host.store.repositories.get(repositoryId).requiredChecks[branch] ?? [];
}

/** Skipped and neutral count as passed, as at GitHub. */
function passedChecks(host: Host, repositoryId: number, sha: string): Set<string> {
  const passed = new Set<string>();
  for (const run of latestCheckRuns(host, repositoryId, sha))
    if (run.conclusion === 'success' || run.conclusion === 'neutral' || run.conclusion === 'skipped')
      passed.add(run.name);
  for (const [context, state] of latestStatuses(host, repositoryId, sha)) if (state === 'success') passed.add(context);
  return passed;
}

function latestStatuses(host: Host, repositoryId: number, sha: string): Map<string, string> {
  return new Map(host.store.statuses.list(`${repositoryId}@${sha}`).map(({ context, state }) => [context, state]));
}
