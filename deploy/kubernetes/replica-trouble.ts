import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import type { ReplicaTrouble } from '../ports/cluster.ts';

/** What a check shows of it. */
const maxLines = 30;
const maxLineChars = 1_000;
/** Every container waits so for a while. */
const usualWaits = new Set(['ContainerCreating', 'PodInitializing']);

/** The clearest of what keeps pods from taking traffic: what ended before what waits, and that before what is not ready. */
export function replicaTrouble(pods: readonly V1Pod[]): ReplicaTrouble | undefined {
  const statuses = pods.flatMap(({ status }) => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ]);
  return (
    firstOf(statuses, ended) ?? firstOf(statuses, waiting) ?? firstOf(pods, unplaced) ?? firstOf(statuses, unready)
  );
}

function firstOf<T>(
  these: readonly T[],
  troubleOf: (one: T) => ReplicaTrouble | undefined,
): ReplicaTrouble | undefined {
  for (const one of these) {
    const trouble = troubleOf(one);
    if (trouble !== undefined) return trouble;
  }
  return undefined;
}

function ended({ name, state, lastState, restartCount }: V1ContainerStatus): ReplicaTrouble | undefined {
  const end = state?.terminated ?? lastState?.terminated;
  if (end === undefined || (end.exitCode === 0 && state?.terminated !== undefined && restartCount === 0))
    return undefined;
  const why = end.reason === 'OOMKilled' ? 'it used more memory than it may' : `exit code ${end.exitCode}`;
  const again =
    restartCount === 0 ? '' : `, and was started again ${restartCount === 1 ? 'once' : `${restartCount} times`}`;
  const lines = (end.message ?? '').split(/\r?\n/).filter((line) => line.trim() !== '');
  return {
    message: `its container "${name}" ended (${why})${again}`,
    excerpt: lines.slice(-maxLines).map((line) => line.slice(0, maxLineChars)),
  };
}

function waiting({ name, state }: V1ContainerStatus): ReplicaTrouble | undefined {
  const { reason, message } = state?.waiting ?? {};
  if (reason === undefined || usualWaits.has(reason)) return undefined;
  return { message: `its container "${name}" waits: ${reason}${told(message)}`, excerpt: [] };
}

function unplaced({ status }: V1Pod): ReplicaTrouble | undefined {
  const placed = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (placed?.status !== 'False') return undefined;
  return { message: `no node has room for it${told(placed.message)}`, excerpt: [] };
}

function unready({ name, state, ready }: V1ContainerStatus): ReplicaTrouble | undefined {
  if (ready) return undefined;
  const what = state?.running === undefined ? 'is still being made' : 'runs, but is not ready';
  return { message: `its container "${name}" ${what}`, excerpt: [] };
}

function told(message: string | undefined): string {
  return message === undefined || message === '' ? '' : `: ${message.slice(0, maxLineChars)}`;
}
