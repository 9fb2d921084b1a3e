import type { Command } from '../../checks/command.ts';
import { escaped } from '../../checks/markdown.ts';
import type { Run } from '../../engine/core/run.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import { type Answer, type Asked, denied, done, refused } from './answer.ts';
import { rightOf } from './rights.ts';

/** `/test`, `/retry`, `/cancel`: the run of this head alone. @param run undefined: there is none, as `noRun` says */
export async function steer(
  asked: Asked,
  command: Extract<Command, { name: 'test' | 'retry' | 'cancel' }>,
  run: Run | undefined,
  noRun: string,
  loop: RunLoop,
): Promise<Answer> {
  const right = await rightOf(asked.host, asked.repository, asked.by, [], `/${command.name}`);
  if (!right.may) return denied(escaped(right.why));
  if (run === undefined) return { outcome: 'refused', why: 'no run of this head', text: noRun };
  const sent = await loop.send(
    run.runId,
    command.name === 'cancel'
      ? { type: 'CancelRun', by: asked.by, reason: `cancelled by ${asked.by.login}` }
      : {
          type: 'RetryStages',
          by: asked.by,
          stages: 'stage' in command && command.stage !== undefined ? [command.stage] : 'failed',
        },
  );
  const facts = { runId: run.runId, headSha: run.trigger.headSha };
  return sent.ok ? done(command.name, facts) : refused(escaped(sent.reason), facts);
}
