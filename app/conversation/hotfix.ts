import { code, escaped } from '../../checks/markdown.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import { isAt } from '../steering/approvals.ts';
import type { Hotfixes } from '../steering/hotfixes.ts';
import { type Answer, type Asked, denied, done, refused } from './answer.ts';
import { policyAt, rightOf } from './rights.ts';

/** Puts one head ahead of everything that waits, and its merge too. A push revokes it. */
export async function hotfix(
  asked: Asked,
  reason: string,
  parts: { readonly loop: RunLoop; readonly hotfixes: Hotfixes; readonly clock: Clock },
): Promise<Answer> {
  const { repository, number, by, host, pull } = asked;
  if (reason === '') return refused(`Say why, for those who read it later: ${code('/hotfix <reason>')}`);
  // Of the default branch, whatever the pull request is aimed at: anybody who may write can make a branch to aim at.
  const branch = await host.defaultBranch(repository);
  const at = await policyAt(host, repository, branch);
  if (at === undefined) return refused(`The policy on ${code(branch)} cannot be read, so nobody may`);
  const right = await rightOf(host, repository, by, at.policy.hotfix, 'The hotfix lane');
  if (!right.may) return denied(escaped(right.why), { policySha: at.sha });
  const facts = { policySha: at.sha, headSha: pull.headSha };
  await parts.hotfixes.mark(repository, number, { headSha: pull.headSha, by: by.login, reason, at: parts.clock.now() });
  await changeLanes(asked, 'hotfix', reason, parts.loop);
  return done(`hotfix: ${reason}`, facts);
}

/** The label is off: it goes where others go. @returns done also where it was on no hotfix lane */
export async function endHotfix(
  asked: Asked,
  parts: { readonly loop: RunLoop; readonly hotfixes: Hotfixes },
): Promise<Answer> {
  const { repository, number, by, host, pull } = asked;
  if (!(await parts.hotfixes.isHotfix(repository, number, pull.headSha))) return done('it was no hotfix');
  // Of the default branch, whatever the pull request is aimed at: anybody who may write can make a branch to aim at.
  const branch = await host.defaultBranch(repository);
  const at = await policyAt(host, repository, branch);
  if (at === undefined) return refused(`The policy on ${code(branch)} cannot be read, so nobody may`);
  const right = await rightOf(host, repository, by, at.policy.hotfix, 'Ending a hotfix');
  if (!right.may) return denied(escaped(right.why), { policySha: at.sha });
  await parts.hotfixes.unmark(repository, number);
  await changeLanes(asked, 'usual', 'the label was taken off', parts.loop);
  return done('no hotfix any more', { policySha: at.sha, headSha: pull.headSha });
}

/** Of what runs for this head now: itself, and what its merge made. */
async function changeLanes(
  { repository, number, pull, by }: Asked,
  to: 'hotfix' | 'usual',
  reason: string,
  loop: RunLoop,
): Promise<void> {
  const where = { tenant: repository.tenant, repositoryId: repository.id, number };
  for (const { runId, trigger } of loop.drivenRuns().filter((run) => isAt(run, where))) {
    const merged = trigger.type === 'push' ? trigger.pullRequest : undefined;
    const isMeant =
      trigger.type === 'pull_request' ? trigger.headSha === pull.headSha : merged?.headSha === pull.headSha;
    if (!isMeant) continue;
    const lane = to === 'hotfix' ? to : merged === undefined ? 'feature' : 'main';
    await loop.send(runId, { type: 'ChangeLane', lane, by, reason });
  }
}
