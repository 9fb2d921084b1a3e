import { type Condition, timestamp } from '../objects/meta.ts';
import type { Container, ContainerState, ContainerStatus, Pod, PodStatus } from '../objects/pod.ts';
import type { PodContainerState, PodState } from './pod-folder.ts';

/** What is known of a pod besides its object. */
export interface PodFacts {
  readonly state: PodState | undefined;
  /** Why it does not start yet. */
  readonly fault?: { readonly reason: string; readonly message: string } | undefined;
  /** The shim ended without telling the pod's end. */
  readonly isLost: boolean;
  /** Why its node put it out. */
  readonly evictedFor?: string | undefined;
  /** By container name; what its probes found. */
  readonly probes: ReadonlyMap<string, { readonly isStarted: boolean; readonly isReady: boolean }>;
  readonly now: Date;
}

type Terminated = NonNullable<ContainerState['terminated']>;

/** A pod's status from what its shim and its probes tell; pure, and the same however often it is asked. */
export function podStatus(pod: Pod, facts: PodFacts): PodStatus {
  const { state, fault, isLost, evictedFor, now } = facts;
  const init = containersStatus(pod.spec.initContainers ?? [], state?.initContainers, facts, 'init');
  const containers = containersStatus(pod.spec.containers, state?.containers, facts, 'main');
  const phase = phaseOf(pod, facts, init, containers);
  const isDeadline = state?.ended?.cause === 'deadline';
  const isInitialized = init.every(({ state: at }) => at?.terminated?.exitCode === 0);
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const isReady = !isOver && containers.every(({ ready }) => ready);
  const notReady = isOver
    ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
    : {
        reason: 'ContainersNotReady',
        message: `containers with unready status: [${containers
          .filter(({ ready }) => !ready)
          .map(({ name }) => name)
          .join(' ')}]`,
      };
  const told: [string, boolean, object][] = [
    ['Initialized', isInitialized, isInitialized ? {} : { reason: 'ContainersNotInitialized' }],
    ['Ready', isReady, isReady ? {} : notReady],
    ['ContainersReady', isReady, isReady ? {} : notReady],
  ];
  const scheduled = pod.status.conditions?.filter(({ type }) => type === 'PodScheduled') ?? [];
  return {
    phase,
    ...(isDeadline
      ? { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' }
      : {}),
    ...(evictedFor !== undefined ? { reason: 'Evicted', message: evictedFor } : {}),
    ...(isLost && evictedFor === undefined
      ? {
          reason: 'ShimLost',
          message: "The process beside the pod's containers ended without a word; what it left was killed",
        }
      : {}),
    ...(fault === undefined || isLost ? {} : { message: fault.message }),
    conditions: [...told.map(([type, is, extra]) => condition(pod, type, is, extra, now)), ...scheduled],
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    podIPs: [{ ip: '127.0.0.1' }],
    startTime: pod.status.startTime ?? timestamp(now),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: containers,
    qosClass: pod.status['qosClass'] ?? 'Burstable',
  };
}

function phaseOf(
  pod: Pod,
  { state, isLost, evictedFor }: PodFacts,
  init: readonly ContainerStatus[],
  containers: readonly ContainerStatus[],
): NonNullable<PodStatus['phase']> {
  if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return pod.status.phase;
  if (isLost || evictedFor !== undefined) return 'Failed';
  if (state === undefined) return 'Pending';
  if (state.ended !== undefined) {
    const isGood = [...init, ...containers].every(({ state: at }) => at?.terminated?.exitCode === 0);
    return isGood && state.ended.cause !== 'deadline' ? 'Succeeded' : 'Failed';
  }
  return state.containers.some(({ now }) => now.phase !== 'waiting') ? 'Running' : 'Pending';
}

function containersStatus(
  containers: readonly Container[],
  states: readonly PodContainerState[] | undefined,
  facts: PodFacts,
  kind: 'init' | 'main',
): ContainerStatus[] {
  return containers.map((container) => {
    const state = states?.find(({ name }) => name === container.name);
    const probes = facts.probes.get(container.name);
    const isRunning = state?.now.phase === 'running' && !facts.isLost && facts.state?.ended === undefined;
    const isReady =
      kind === 'main' ? isRunning && probes?.isReady === true : stateOf(state, facts).terminated?.exitCode === 0;
    return {
      name: container.name,
      state: stateOf(state, facts),
      lastState: state?.last === undefined || state.now.phase === 'ended' ? {} : { terminated: terminated(state.last) },
      ready: isReady,
      restartCount: state?.restarts ?? 0,
      started: isRunning && (kind === 'init' || probes?.isStarted === true),
      image: container.image ?? '',
      imageID: '',
      ...(state?.now.phase === 'running' ? { containerID: `local://${state.now.pid}` } : {}),
    };
  });
}

function stateOf(state: PodContainerState | undefined, { fault, isLost, state: pod }: PodFacts): ContainerState {
  if (state?.now.phase === 'ended') return { terminated: terminated(state.now) };
  const startedAtMs = state?.now.phase === 'running' ? state.now.startedAtMs : undefined;
  if (isLost || pod?.ended !== undefined) {
    return {
      terminated: {
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was terminated',
        ...(startedAtMs === undefined ? {} : { startedAt: timestamp(new Date(startedAtMs)) }),
      },
    };
  }
  if (startedAtMs !== undefined) return { running: { startedAt: timestamp(new Date(startedAtMs)) } };
  if (state?.now.phase === 'backoff') {
    return { waiting: { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' } };
  }
  if (fault !== undefined) {
    const isMount = fault.reason === 'FailedMount';
    return { waiting: isMount ? { reason: 'ContainerCreating' } : { reason: fault.reason, message: fault.message } };
  }
  return { waiting: { reason: state?.now.phase === 'waiting' ? state.now.reason : 'ContainerCreating' } };
}

function terminated(end: NonNullable<PodContainerState['last']>): Terminated {
  return {
    exitCode: end.exitCode,
    ...(end.signal === undefined ? {} : { signal: end.signal }),
    reason: end.reason,
    ...(end.message === undefined ? {} : { message: end.message }),
    startedAt: timestamp(new Date(end.startedAtMs)),
    finishedAt: timestamp(new Date(end.finishedAtMs)),
  };
}

function condition(pod: Pod, type: string, is: boolean, extra: object, now: Date): Condition {
  const status = is ? 'True' : 'False';
  const before = pod.status.conditions?.find((each) => each.type === type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : undefined;
  return { type, status, lastProbeTime: null, lastTransitionTime: lastTransitionTime ?? timestamp(now), ...extra };
}
