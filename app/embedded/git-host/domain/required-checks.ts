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

/** Names of checks that must pass before this pull request may merge and have not. Skipped and neutral count as passed, as at GitHub. */
export function missingChecks(host: Host, pull: Pull): string[] {
  const required = host.store.repositories.get(pull.repositoryId).requiredChecks[pull.baseRef] ?? [];
  if (required.length === 0) return [];
  const passed = new Set<string>();
  for (const run of latestCheckRuns(host, pull.repositoryId, pull.headSha))
    if (run.conclusion === 'success' || run.conclusion === 'neutral' || run.conclusion === 'skipped')
      passed.add(run.name);
  for (const [context, state] of latestStatuses(host, pull.repositoryId, pull.headSha))
    if (state === 'success') passed.add(context);
  return required.filter((name) => !passed.has(name));
}

function latestStatuses(host: Host, repositoryId: number, sha: string): Map<string, string> {
  return new Map(host.store.statuses.list(`${repositoryId}@${sha}`).map(({ context, state }) => [context, state]));
}
