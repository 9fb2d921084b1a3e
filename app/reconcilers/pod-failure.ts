import { memoryForAttempt } from '../../engine/core/retry.ts';
import { plannedStage, type Run } from '../../engine/core/run.ts';
import type { FailureCause } from '../../engine/core/run-events.ts';
import type { AttemptRef, PodEndCause } from '../../engine/ports/pod-runner.ts';

/** What the pod's end means for the run. Whatever the cluster did to it is nobody's fault and is tried again. */
export function failureOf(
  { cause, message }: { readonly cause: PodEndCause; readonly message: string },
  run: Run,
  { stage }: AttemptRef,
): FailureCause {
  const planned = plannedStage(run, stage);
  switch (cause) {
    case 'out-of-memory':
      return {
        type: 'out-of-memory',
        limitBytes: planned === undefined ? 0 : memoryForAttempt(planned, run.failures[stage] ?? []),
      };
    case 'deadline':
      return { type: 'timed-out', afterMs: planned?.timeoutMs ?? 0 };
    case 'disk-limit':
    case 'image-name':
    case 'image-denied':
    case 'no-shell':
    case 'configuration':
      return { type: 'configuration', message };
    case 'completed':
    case 'command':
    case 'unknown':
      return { type: 'infrastructure', message: `The pod ended and its agent reported nothing: ${message}` };
    case 'evicted':
    case 'preempted':
    case 'drained':
    case 'tainted':
    case 'node-shutdown':
    case 'node-lost':
    case 'node-refused':
    case 'deleted':
    case 'agent-failed':
      return { type: 'infrastructure', message };
  }
}
