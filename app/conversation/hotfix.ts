import { code, escaped } from '../../checks/markdown.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { RunList } from '../../engine/ports/run-list.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { Hotfixes } from '../hotfixes.ts';
import { type Answer, type Asked, denied, done, refused } from './answer.ts';
import { policyAt, rightOf } from './rights.ts';

/** Puts one head ahead of everything that waits, and its merge too. A push revokes it. */
export async function hotfix(
  asked: Asked,
  reason: string,
  parts: { readonly loop: RunLoop; readonly runs: RunList; readonly hotfixes: Hotfixes; readonly clock: Clock },
): Promise<Answer> {
  const { repository, number, by, host, pull } = asked;
  if (reason === '') return refused(`Say why, for those who read it later: ${code('/hotfix <reason>')}`);
  const at = await policyAt(host, repository, pull.baseRef);
  if (at === undefined) return refused(`The policy on ${code(pull.baseRef)} cannot be read, so nobody may`);
  const right = await rightOf(host, repository, by, at.policy.hotfix, 'The hotfix lane');
  if (!right.may) return denied(escaped(right.why), { policySha: at.sha });
  const facts = { policySha: at.sha, headSha: pull.headSha };
  await parts.hotfixes.mark(repository, number, { headSha: pull.headSha, by: by.login, reason, at: parts.clock.now() });
  const open = await parts.runs.find({ repositoryId: repository.id, hasEnded: false }, { limit: 100 });
  for (const { runId, tenant, headSha } of open) {
    if (tenant === repository.tenant && headSha === pull.headSha)
      await parts.loop.send(runId, { type: 'ChangeLane', lane: 'hotfix', by, reason });
  }
  return done(`hotfix: ${reason}`, facts);
}
