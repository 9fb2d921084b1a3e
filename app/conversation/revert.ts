import { code, codeBlock, escaped } from '../../checks/markdown.ts';
import type { Revisions } from '../../deploy/revisions.ts';
import { isSha, type Sha } from '../../engine/core/trigger.ts';
import { GitHostError } from '../../providers/git-host-error.ts';
import { type Answer, type Asked, denied, done, refused } from './answer.ts';
import { rightOf } from './rights.ts';

/** `/revert [environment]`: a pull request that makes the default branch hold what runs there. Nothing moves by it alone. */
export async function revert(asked: Asked, named: string | undefined, revisions: Revisions): Promise<Answer> {
  const { host, repository, by } = asked;
  const right = await rightOf(host, repository, by, [], '/revert');
  if (!right.may) return denied(escaped(right.why));
  const environments = await revisions.ofRepository(repository);
  const [only] = environments.length === 1 ? environments : [];
  const at = named === undefined ? only : environments.find(({ environment }) => environment === named);
  const list = environments.map(({ environment }) => code(environment)).join(', ');
  if (at === undefined)
    return refused(list === '' ? 'Nothing was ever deployed from this repository' : `Name the environment: ${list}`);
  const { environment } = at;
  const live = await revisions.live(at);
  const sha = live?.headSha;
  if (live === undefined || sha === undefined || !isSha(sha))
    return refused(`Nobody can tell which commit ${code(environment)} runs`);
  const base = await host.defaultBranch(repository);
  const tip = await host.branchHead(repository, base);
  if (tip === undefined) return refused(`The branch ${code(base)} is gone`);
  if (tip === sha) return refused(`${code(base)} holds what ${code(environment)} runs`);
  if (!(await host.holds(repository, tip, sha)))
    return refused(`${code(environment)} runs ${code(sha.slice(0, 12))}, which is no commit of ${code(base)}`);
  const change = {
    branch: `slipway/revert-${environment}-${sha.slice(0, 12)}-${tip.slice(0, 12)}`,
    base,
    tip,
    sha,
    title: `Take ${base} back to what ${environment} runs`,
    body: `${environment} runs revision ${live.number}, made of ${sha}. This takes back what came after it.\n\nAsked for by ${escaped(by.login)} in pull request ${asked.number}.`,
  };
  try {
    const number = await host.proposeState(repository, change);
    return number === undefined
      ? byHand(change, 'This host takes no pull request of ours')
      : done(`opened pull request ${number}`, {
          text: `Opened pull request ${number}: it takes ${code(base)} back to ${code(sha.slice(0, 12))}.`,
        });
  } catch (error) {
    if (!(error instanceof GitHostError) || error.isTransient) throw error;
    return byHand(change, error.code === 'denied' ? 'Slipway may not write code here' : error.why);
  }
}

/** The same by the person's own hands. */
function byHand(
  { branch, base, tip, sha, title }: { branch: string; base: string; tip: Sha; sha: Sha; title: string },
  why: string,
): Answer {
  const lines = [
    'git fetch origin',
    `git switch -c ${quoted(branch)} ${tip}`,
    `git read-tree -u --reset ${sha}`,
    `git commit -m ${quoted(title)}`,
    `git push -u origin ${quoted(branch)}`,
  ];
  return {
    outcome: 'refused',
    why,
    text: `${escaped(why)}. These lines make the branch; open a pull request into ${code(base)} with it:\n\n${codeBlock(lines)}`,
  };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
