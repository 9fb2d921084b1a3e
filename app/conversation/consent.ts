import { code, escaped } from '../../checks/markdown.ts';
import { isSha } from '../../engine/core/trigger.ts';
import { triggerOf } from '../intake/complete-trigger.ts';
import type { StartRun } from '../intake/start-run.ts';
import type { ForkRequests } from '../steering/fork-requests.ts';
import { type Answer, type Asked, denied, done, refused } from './answer.ts';
import { rightOf } from './rights.ts';

/** Lets a fork's run go, for exactly the head that the person names, as it stood when they were asked. */
export async function consent(
  asked: Asked,
  sha: string | undefined,
  saidAt: Date,
  parts: { readonly start: StartRun; readonly requests: ForkRequests },
): Promise<Answer> {
  const { pull, host, repository, by } = asked;
  const right = await rightOf(host, repository, by, [], '/ok-to-test');
  if (!right.may) return denied(escaped(right.why));
  if (!pull.isFork) return refused('This pull request comes from this repository: it needs no consent');
  if (pull.state !== 'open') return refused('This pull request is not open');
  const line = `\n\n\`\`\`\n/${host.capabilities.slashCommandsTaken ? 'slipway ' : ''}ok-to-test ${pull.headSha}\n\`\`\``;
  const again = (why: string): Answer => ({ outcome: 'refused', why, text: `${why}:${line}` });
  if (sha === undefined || !isSha(sha))
    return again('Read the change, then name its full head, so that nothing else is let go');
  if (sha !== pull.headSha) return again(`${code(sha)} is not the head any more. Read what is new, then`);
  const moved = await parts.requests.movedSince(repository, pull, saidAt);
  if (moved !== undefined) return again(`${moved} since this was asked for. Read it once more, then`);
  const trigger = {
    ...triggerOf(pull, {
      repository,
      // Whose change it is: who lets it go has not made it.
      actor: { login: pull.author, id: pull.authorId },
      defaultBranch: await host.defaultBranch(repository),
      action: 'updated',
    }),
    consentBy: by,
  };
  const started = await parts.start.start(trigger, `${repository.tenant}/${repository.id}/consent/${asked.key}`);
  switch (started.outcome) {
    case 'run':
      return done('let the run go', { runId: started.runId, headSha: pull.headSha });
    case 'ignored':
      return refused(`Nothing runs: ${escaped(started.because)}`);
    case 'mistakes':
      return refused('The pipeline file of the base branch has mistakes: see the check');
  }
}
