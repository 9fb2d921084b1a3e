import type { V1ContainerStatus, V1Pod, V1PodCondition } from '@kubernetes/client-node';
import type { PodEndCause, PodObservation } from '../ports/pod-runner.ts';
import { pullState } from './image-pull.ts';
import { annotations, labels } from './names.ts';

type State = PodObservation['state'];

const imagePull = new Set(['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable']);
/** Waiting for a reason that only a person can remove. */
const brokenConfiguration = new Set([
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
  'ErrImageNeverPull',
  'ImageInspectError',
]);
/** The container was made and nothing could be run in it. */
const notStartable = new Set(['StartError', 'ContainerCannotRun']);
/** A node took the pod back before it ran anything: it had less room than the scheduler thought. */
const nodeRefusals = /^(OutOf|UnexpectedAdmissionError|NodeAffinity|PodOSNotSupported|TopologyAffinityError)/;

/** What a pod's status says of its attempt; undefined for a pod that is no attempt's. */
export function observe(pod: V1Pod): PodObservation | undefined {
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
  return { podName: name, runId, stage, attempt, tenant, state: stateOf(pod) };
}

function stateOf(pod: V1Pod): State {
  const statuses = pod.status?.containerStatuses ?? [];
  const stage = statuses.find(({ name }) => name === 'stage');
  const agent = statuses.find(({ name }) => name === 'agent');
  const phase = pod.status?.phase;
  const isOver = phase === 'Failed' || phase === 'Succeeded';
  const stageEnd = stage?.state?.terminated;
  if (!isOver && pod.metadata?.deletionTimestamp !== undefined) return leavingOf(pod, pod.metadata.deletionTimestamp);
  if (stageEnd !== undefined && notStartable.has(stageEnd.reason ?? '')) {
    return ended(
      'no-shell',
      `The image ${stage?.image} cannot run sh: ${stageEnd.message ?? stageEnd.reason}. Choose an image that has a shell`,
      stageEnd.exitCode,
    );
  }
  // Killed with all its processes, the container left no exit code: the agent would wait for it in vain.
  if (stageEnd?.reason === 'OOMKilled')
    return ended('out-of-memory', 'The commands used more memory than the stage may', stageEnd.exitCode);
  const broken = isOver
    ? undefined
    : statuses.find(({ state }) => brokenConfiguration.has(state?.waiting?.reason ?? ''));
  if (broken !== undefined) return configurationOf(broken, imageOf(pod, broken));
  // The agent's end ends the attempt: nobody reports any more.
  if (isOver || agent?.state?.terminated !== undefined) return endOf(pod, stage, agent);
  const isUp = statuses.every(({ state }) => state?.running !== undefined || state?.terminated !== undefined);
  return phase === 'Running' && isUp ? { phase: 'running' } : waitingOf(pod, statuses);
}

/** By the pod's own reason, then by who disturbed it, then by how its containers ended. */
function endOf(pod: V1Pod, stage: V1ContainerStatus | undefined, agent: V1ContainerStatus | undefined): State {
  const { reason } = pod.status ?? {};
  const message = pod.status?.message ?? '';
  switch (reason) {
    case undefined:
      break;
    case 'DeadlineExceeded':
      return ended('deadline', 'The pod ran out of time');
    case 'Evicted':
      return evicted(message);
    case 'Preempting':
    case 'Preempted':
      return ended('preempted', `The node gave its place to a pod of higher priority${tail(message)}`);
    case 'NodeLost':
      return ended('node-lost', `Its node does not answer any more${tail(message)}`);
    case 'Shutdown':
    case 'NodeShutdown':
    case 'Terminated':
      return ended('node-shutdown', `Its node was shut down${tail(message)}`);
    default:
      return nodeRefusals.test(reason)
        ? ended('node-refused', `The node refused it: ${reason}${tail(message)}`)
        : ended('unknown', `${reason}${tail(message)}`);
  }
  const disruption = disruptionOf(pod);
  if (disruption !== undefined) return disturbed(disruption);
  const stageEnd = stage?.state?.terminated;
  const agentEnd = agent?.state?.terminated;
  if (agentEnd !== undefined && agentEnd.exitCode !== 0) {
    const how = agentEnd.reason === 'OOMKilled' ? ': it ran out of memory' : '';
    return ended('agent-failed', `The agent ended with exit code ${agentEnd.exitCode}${how}`);
  }
  if (stageEnd !== undefined)
    return ended(
      stageEnd.exitCode === 0 ? 'completed' : 'command',
      `The commands ended with exit code ${stageEnd.exitCode}`,
      stageEnd.exitCode,
    );
  return ended('unknown', `The pod ended as ${pod.status?.phase ?? 'unknown'}`);
}

/** One's own limit is one's own fault; a node that ran short is nobody's. */
function evicted(message: string): State {
  const isOwnLimit =
    /ephemeral(-| local )storage|emptyDir|local ephemeral/i.test(message) &&
    !/node was low|node had condition/i.test(message);
  return isOwnLimit
    ? ended('disk-limit', `The stage wrote more than its disk holds: ${message} Write less, or clean up on the way`)
    : ended('evicted', `The node ran short and put it out: ${message}`);
}

function disruptionOf(pod: V1Pod): V1PodCondition | undefined {
  return pod.status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
}

/** @see https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions */
function disturbed({ reason, message }: V1PodCondition): Extract<State, { phase: 'ended' }> {
  switch (reason) {
    case 'PreemptionByScheduler':
      return ended('preempted', `It gave its place to a pod of higher priority${tail(message)}`);
    case 'EvictionByEvictionAPI':
      return ended('drained', `Its node is drained${tail(message)}`);
    case 'DeletionByTaintManager':
      return ended('tainted', `Its node takes no such pods any more, or does not answer${tail(message)}`);
    case 'DeletionByPodGC':
      return ended('node-lost', `Its node is gone${tail(message)}`);
    case 'TerminationByKubelet':
      return ended('evicted', `The node put it out: it ran short, or shuts down${tail(message)}`);
    default:
      return ended('unknown', `${reason ?? 'It was disturbed'}${tail(message)}`);
  }
}

/** A node that does not answer never says that the pod is gone, so the time it was given counts. */
function leavingOf(pod: V1Pod, by: Date): State {
  const disruption = disruptionOf(pod);
  const { cause, message } =
    disruption === undefined
      ? ended('deleted', `The pod ${pod.metadata?.name} was deleted from outside`)
      : disturbed(disruption);
  return { phase: 'leaving', by: new Date(by), cause, message };
}

function waitingOf(pod: V1Pod, statuses: readonly V1ContainerStatus[]): State {
  const pulling = statuses.find(({ state }) => imagePull.has(state?.waiting?.reason ?? ''));
  if (pulling !== undefined) return pullState(imageOf(pod, pulling), pulling.state?.waiting?.message ?? '');
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unscheduled !== undefined) return unscheduledOf(unscheduled);
  return { phase: 'waiting' };
}

function configurationOf({ name, state }: V1ContainerStatus, image: string): State {
  const { reason, message } = state?.waiting ?? {};
  // A node that was too slow to look something up does it again, and mostly finds it.
  if (/timed? ?out|deadline exceeded/i.test(message ?? ''))
    return { phase: 'waiting', reason: `the node makes its containers: ${message}` };
  return reason === 'InvalidImageName'
    ? ended('image-name', `"${image}" is no image's name: ${message}. Correct \`image\` in the pipeline file`)
    : ended('configuration', `The container ${name} cannot be made (${reason}): ${message}`);
}

/** The image as asked for: a status shows it as the node resolved it, or not at all. */
function imageOf(pod: V1Pod, { name, image }: V1ContainerStatus): string {
  return pod.spec?.containers.find((container) => container.name === name)?.image ?? image;
}

const schedulingFixes: readonly (readonly [RegExp, string])[] = [
  [
    /insufficient|too many pods/i,
    'It goes on when others end or a node is added; what no node has room for needs less under `resources`, or larger nodes',
  ],
  [
    /node affinity|selector|untolerated taint/i,
    "Choose another `pool`, or let an administrator correct the pool's node selector and tolerations",
  ],
];

function unscheduledOf({ message = '', reason }: V1PodCondition): State {
  // What preemption would not help is no news: stages never preempt.
  const why = message.replace(/\.? (no new claims to deallocate|preemption:).*$/s, '');
  const fix = schedulingFixes.find(([pattern]) => pattern.test(why))?.[1] ?? 'Ask who runs the cluster';
  return { phase: 'waiting', reason: `no node takes it: ${why === '' ? (reason ?? 'no reason given') : why}`, fix };
}

function tail(message: string | undefined): string {
  return message === undefined || message === '' ? '' : `: ${message}`;
}

function ended(cause: PodEndCause, message: string, exitCode?: number): Extract<State, { phase: 'ended' }> {
  return { phase: 'ended', cause, message, ...(exitCode === undefined ? {} : { exitCode }) };
}
