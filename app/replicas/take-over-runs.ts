import type { Logger } from 'pino';
import type { RunList } from '../../engine/ports/run-list.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { Inbox } from '../intake/inbox.ts';

const maxOpenRuns = 100_000;
const takenInMs = 300;
const leftBehindMs = 5_000;

interface Runs {
  readonly loop: RunLoop;
  readonly runs: RunList;
}

/** Takes over what the process before left unfinished, or ended without its end being shown: that is told once more. */
export async function takeOverRuns({ loop, runs }: Runs, log: Logger): Promise<void> {
  const beganAt = performance.now();
  const unfinished = await runs.find({ hasEnded: false }, { limit: maxOpenRuns });
  await loop.takeOverAll([...unfinished.map(({ runId }) => runId), ...(await runs.unshown(maxOpenRuns))]);
  if (unfinished.length === 0) return;
  log.info(
    { runs: unfinished.length, durationMs: Math.round(performance.now() - beganAt) },
    'Unfinished runs are taken over',
  );
}

/**
 * For the replica that leads: works off what others took in, and takes over the runs that one of them began before it
 * died.
 * @returns an end of it
 */
export function followReplicas({
  loop,
  runs,
  inbox,
  onError,
}: Runs & { readonly inbox: Inbox; readonly onError: (error: unknown) => void }): () => void {
  const takeLeftBehind = async () => {
    for (const { runId } of await runs.find({ hasEnded: false }, { limit: maxOpenRuns }))
      if (loop.driven(runId) === undefined) await loop.takeOver(runId);
  };
  const wake = setInterval(() => inbox.wake(), takenInMs);
  const sweep = setInterval(() => void takeLeftBehind().catch(onError), leftBehindMs);
  return () => {
    clearInterval(wake);
    clearInterval(sweep);
  };
}
