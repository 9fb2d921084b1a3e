import { type Condition, timestamp } from '../objects/meta.ts';
import type { Deployment, ReplicaSet } from '../objects/workloads.ts';
import { rolloutLimits } from './rollout-math.ts';

type Status = Deployment['status'];

/**
 * A deployment's status from its sets. Progress is anything that counts up; without any for the deadline the rollout
 * has failed, and stays so until it goes on. @returns also when the deadline is over, where it is still running
 */
export function deploymentStatus(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  now: Date,
): { readonly status: Status; readonly deadlineMs: number | undefined } {
  const { spec, status: before } = deployment;
  const sets = fresh === undefined ? old : [fresh, ...old];
  const sum = (pick: (set: ReplicaSet) => number | undefined): number =>
    sets.reduce((total, set) => total + (pick(set) ?? 0), 0);
  const counts = {
    replicas: sum(({ status }) => status.replicas),
    updatedReplicas: fresh?.status.replicas ?? 0,
    readyReplicas: sum(({ status }) => status.readyReplicas),
    availableReplicas: sum(({ status }) => status.availableReplicas),
  };
  const unavailableReplicas = Math.max(
    0,
    counts.replicas - counts.availableReplicas,
    spec.replicas - counts.availableReplicas,
  );
  const isComplete =
    counts.updatedReplicas === spec.replicas &&
    counts.replicas === spec.replicas &&
    counts.availableReplicas === spec.replicas;
  const isMoving =
    counts.updatedReplicas > (before.updatedReplicas ?? 0) ||
    counts.replicas - counts.updatedReplicas < (before.replicas ?? 0) - (before.updatedReplicas ?? 0) ||
    counts.readyReplicas > (before.readyReplicas ?? 0) ||
    counts.availableReplicas > (before.availableReplicas ?? 0);
  const progressing = progressCondition(deployment, fresh, { isComplete, isMoving, now });
  const available: Condition =
    counts.availableReplicas >= spec.replicas - rolloutLimits(deployment).maxUnavailable
      ? {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
        }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        };
  const failure = sets.flatMap(({ status }) => status.conditions ?? []).find(({ type }) => type === 'ReplicaFailure');
  const conditions = [available, progressing, ...(failure === undefined ? [] : [failure])].map((condition) =>
    withTimes(condition, before.conditions, now),
  );
  const status: Status = {
    observedGeneration: deployment.metadata.generation ?? 1,
    ...counts,
    ...(unavailableReplicas === 0 ? {} : { unavailableReplicas }),
    conditions,
  };
  const isWaiting = progressing.status === 'True' && !isComplete && spec.paused !== true;
  const since = conditions.find(({ type }) => type === 'Progressing')?.lastUpdateTime;
  const endMs = Date.parse(since ?? timestamp(now)) + spec.progressDeadlineSeconds * 1000;
  return { status, deadlineMs: isWaiting ? Math.max(0, endMs - now.getTime()) : undefined };
}

function progressCondition(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  { isComplete, isMoving, now }: { readonly isComplete: boolean; readonly isMoving: boolean; readonly now: Date },
): Condition {
  const { spec, status, metadata } = deployment;
  const before = status.conditions?.find(({ type }) => type === 'Progressing');
  const what = fresh === undefined ? `Deployment "${metadata.name}"` : `ReplicaSet "${fresh.metadata.name}"`;
  const told = (is: Condition['status'], reason: string, message: string): Condition => ({
    type: 'Progressing',
    status: is,
    reason,
    message,
  });
  if (spec.paused === true) return told('Unknown', 'DeploymentPaused', 'Deployment is paused');
  if (isComplete) return told('True', 'NewReplicaSetAvailable', `${what} has successfully progressed.`);
  const isNew = status.observedGeneration !== metadata.generation || before === undefined;
  const isResumed = before?.reason === 'DeploymentPaused';
  // The exact time tells the writer below that this is news, although the text may be the same.
  if (isMoving || isNew || isResumed) {
    return { ...told('True', 'ReplicaSetUpdated', `${what} is progressing.`), lastUpdateTime: timestamp(now) };
  }
  const sinceMs = Date.parse(before.lastUpdateTime ?? timestamp(now));
  const isLate =
    before.reason === 'ProgressDeadlineExceeded' || now.getTime() - sinceMs >= spec.progressDeadlineSeconds * 1000;
  const wasComplete = before.reason === 'NewReplicaSetAvailable';
  if (isLate && !wasComplete) return told('False', 'ProgressDeadlineExceeded', `${what} has timed out progressing.`);
  return before;
}

function withTimes(condition: Condition, before: readonly Condition[] = [], now: Date): Condition {
  const old = before.find(({ type }) => type === condition.type);
  const at = timestamp(now);
  const isSame = old?.status === condition.status && old.reason === condition.reason;
  return {
    ...condition,
    lastUpdateTime: condition.lastUpdateTime ?? (isSame ? (old.lastUpdateTime ?? at) : at),
    lastTransitionTime: old?.status === condition.status ? (old.lastTransitionTime ?? at) : at,
  };
}
