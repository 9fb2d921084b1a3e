import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import type { PodEndCause, PodObservation } from '../ports/pod-runner.ts';
import { annotations, labels } from './pod-spec.ts';

/** Waiting for a reason that only a person can remove. */
const brokenConfiguration = new Set(['InvalidImageName', 'CreateContainerConfigError', 'ErrImageNeverPull']);
const imagePull = new Set(['ErrImagePull', 'ImagePullBackOff']);
/** The container was made and nothing could be run in it. */
const notStartable = new Set(['StartError', 'ContainerCannotRun']);
/** A registry may be away for a while; a wrong name stays wrong. */
const imagePullGraceMs = 2 * 60_000;

/** What a pod's status says of its attempt; undefined for a pod that is no attempt's. */
export function observe(pod: V1Pod, now: Date): PodObservation | undefined {
  const name = pod.metadata?.name;
  const runId = pod.metadata?.labels?.[labels.run];
  const attempt = Number(pod.metadata?.labels?.[labels.attempt]);
  const stage = pod.metadata?.annotations?.[annotations.stage];
  const tenant = pod.metadata?.annotations?.[annotations.tenant];
  if (
    name === undefined ||
    runId === undefined ||
    stage === undefined ||
    tenant === undefined ||
    !Number.isInteger(attempt)
  )
    return undefined;
  return { podName: name, runId, stage, attempt, tenant, state: stateOf(pod, now) };
}

function stateOf(pod: V1Pod, now: Date): PodObservation['state'] {
  const statuses = pod.status?.containerStatuses ?? [];
  const stage = statuses.find(({ name }) => name === 'stage');
  const agent = statuses.find(({ name }) => name === 'agent');
  const phase = pod.status?.phase;
  const broken = statuses.find(({ state }) => brokenConfiguration.has(state?.waiting?.reason ?? ''));
  if (broken !== undefined)
    return ended('configuration', `${broken.state?.waiting?.reason}: ${broken.state?.waiting?.message ?? ''}`);
  const stageEnd = stage?.state?.terminated;
  if (stageEnd !== undefined && notStartable.has(stageEnd.reason ?? ''))
    return ended('configuration', `The image cannot run sh: ${stageEnd.message ?? stageEnd.reason}`, stageEnd.exitCode);
  // Killed with all its processes, the container left no exit code: the agent would wait for it in vain.
  if (stageEnd?.reason === 'OOMKilled') return outOfMemory(stageEnd.exitCode);
  // The agent's end ends the attempt: nobody reports any more.
  if (phase === 'Failed' || phase === 'Succeeded' || agent?.state?.terminated !== undefined)
    return endOf(pod, stage, agent);
  if (
    phase === 'Running' &&
    statuses.every(({ state }) => state?.running !== undefined || state?.terminated !== undefined)
  )
    return { phase: 'running' };
  return waitingFor(pod, statuses, now);
}

function endOf(
  pod: V1Pod,
  stage: V1ContainerStatus | undefined,
  agent: V1ContainerStatus | undefined,
): PodObservation['state'] {
  const { reason, message } = pod.status ?? {};
  if (reason === 'DeadlineExceeded') return ended('deadline', 'The pod ran out of time');
  if (
    reason === 'Evicted' &&
    /ephemeral(-| local )storage|emptyDir/i.test(message ?? '') &&
    !/node was low/i.test(message ?? '')
  )
    return ended('configuration', `The stage wrote more than its disk holds: ${message}`);
  if (reason !== undefined) return ended('infrastructure', `${reason}: ${message ?? 'the node gave no reason'}`);
  const disruption = pod.status?.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  );
  if (disruption !== undefined) return ended('infrastructure', `${disruption.reason}: ${disruption.message}`);
  const stageEnd = stage?.state?.terminated;
  const agentEnd = agent?.state?.terminated;
  if (agentEnd !== undefined && agentEnd.exitCode !== 0) {
    return ended(
      'infrastructure',
      `The agent ended with exit code ${agentEnd.exitCode}${agentEnd.reason === undefined ? '' : ` (${agentEnd.reason})`}`,
    );
  }
  if (stageEnd !== undefined)
    return ended(
      stageEnd.exitCode === 0 ? 'completed' : 'command',
      `The commands ended with exit code ${stageEnd.exitCode}`,
      stageEnd.exitCode,
    );
  return ended('infrastructure', `The pod ended as ${pod.status?.phase ?? 'unknown'}`);
}

function waitingFor(pod: V1Pod, statuses: readonly V1ContainerStatus[], now: Date): PodObservation['state'] {
  const pulling = statuses.find(({ state }) => imagePull.has(state?.waiting?.reason ?? ''));
  if (pulling !== undefined) {
    const reason = `the image ${pulling.image} cannot be pulled: ${pulling.state?.waiting?.message ?? ''}`;
    const since = pod.metadata?.creationTimestamp ?? now;
    const isOver = now.getTime() - since.getTime() > imagePullGraceMs;
    return isOver ? ended('configuration', reason) : { phase: 'waiting', reason };
  }
  const unschedulable = pod.status?.conditions?.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  if (unschedulable !== undefined)
    return { phase: 'waiting', reason: `no node takes it: ${unschedulable.message ?? ''}` };
  return { phase: 'waiting' };
}

function outOfMemory(exitCode: number): PodObservation['state'] {
  return ended('out-of-memory', 'The commands used more memory than the stage may', exitCode);
}

function ended(cause: PodEndCause, message: string, exitCode?: number): PodObservation['state'] {
  return { phase: 'ended', cause, message, ...(exitCode === undefined ? {} : { exitCode }) };
}
