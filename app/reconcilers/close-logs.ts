import { attemptOf, plannedStage, type Run, stageState } from '../../engine/core/run.ts';
import type { RunEvent } from '../../engine/core/run-events.ts';
import type { LogStore } from '../../engine/ports/log-store.ts';
import type { RunLoop } from '../../engine/run-loop.ts';

/**
 * Ends logs that no agent ends: of an attempt that was lost or cancelled, and of a deploy, which has no agent. Whoever
 * follows one would wait for ever. What is asked for later is known to be over from the run itself.
 */
export function closeLogs(parts: {
  readonly loop: RunLoop;
  readonly logs: Pick<LogStore, 'close'>;
  readonly onError: (error: unknown) => void;
}): void {
  const { loop, logs, onError } = parts;
  loop.onChange(({ run, events }) => {
    for (const event of events) {
      const over = logThatIsOver(run, event);
      if (over === undefined || over.attempt < 1) continue;
      const { stage, attempt, missing } = over;
      logs.close({ runId: run.runId, stage, attempt }, missing).catch(onError);
    }
  });
}

function logThatIsOver(
  run: Run,
  event: RunEvent,
): { readonly stage: string; readonly attempt: number; readonly missing?: string } | undefined {
  switch (event.type) {
    case 'StageCancelled': {
      const attempt = attemptOf(stageState(run, event.stage));
      return { stage: event.stage, attempt, missing: `the stage was cancelled: ${event.reason}` };
    }
    case 'StageSucceeded':
    case 'StageFailed': {
      const { stage, attempt, log } = event;
      if (log.missing !== undefined) return { stage, attempt, missing: log.missing };
      return plannedStage(run, stage)?.deploy === undefined ? undefined : { stage, attempt };
    }
    default:
      return undefined;
  }
}
