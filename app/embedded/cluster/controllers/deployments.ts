import { createHash } from 'node:crypto';
import { deleteObject } from '../api/deletion.ts';
import { controllerOf } from '../objects/meta.ts';
import type { Deployment, ReplicaSet } from '../objects/workloads.ts';
import type { Objects } from '../store/objects.ts';
import { deploymentStatus } from './deployment-status.ts';
import { podsOf, type WorkloadParts } from './replica-sets.ts';
import { newSetSize, oldSetSizes, rolloutLimits, type SetCounts } from './rollout-math.ts';

const hashLabel = 'pod-template-hash';
const revisionAnnotation = 'deployment.kubernetes.io/revision';

/**
 * Moves a deployment one step: a set for its present template, sizes by the strategy's limits, old sets down to the
 * history's length, and the status. Every step follows from what is stored, so it may be repeated or cut off anywhere.
 * @returns when to look again, in milliseconds, where the progress deadline is running
 */
export function reconcileDeployment(parts: WorkloadParts, namespace: string, name: string): number | undefined {
  const { objects } = parts;
  const deployment = objects.deployments.find(namespace, name);
  if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return undefined;
  const isPaused = deployment.spec.paused === true;
  const sets = setsOf(objects, deployment);
  const found = sets.find((set) => templateText(set.spec.template) === templateText(deployment.spec.template));
  const old = sets.filter((set) => set !== found).toSorted((a, b) => revisionOf(a) - revisionOf(b));
  const isOldGone = old.every((set) => set.status.replicas === 0 && podsOf(objects, set).length === 0);
  const isWaiting = deployment.spec.strategy.type === 'Recreate' && !isOldGone;
  if (isWaiting && !isPaused) for (const set of old) scale(parts, deployment, set, 0);
  const fresh = found ?? (isPaused || isWaiting ? undefined : createSet(parts, deployment, sets));
  if (fresh !== undefined) markRevision(parts, deployment, fresh, old, isPaused ? 'keep' : 'raise');
  if (isPaused) scaleWhilePaused(parts, deployment, fresh === undefined ? old : [fresh, ...old]);
  else if (fresh !== undefined) {
    resize(parts, deployment, fresh, old);
    prune(parts, deployment, old);
  }
  return publish(parts, namespace, name);
}

function setsOf(objects: Objects, deployment: Deployment): ReplicaSet[] {
  return objects.replicaSets
    .list(deployment.metadata.namespace ?? '')
    .filter(
      (set) => controllerOf(set)?.uid === deployment.metadata.uid && set.metadata.deletionTimestamp === undefined,
    );
}

function templateText({ metadata, spec }: Deployment['spec']['template']): string {
  const { [hashLabel]: _hash, ...labels } = metadata.labels ?? {};
  return JSON.stringify(sorted({ labels, annotations: metadata.annotations ?? {}, spec }));
}

/** The same template in another order of fields is the same template. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

function revisionOf(set: ReplicaSet): number {
  return Number(set.metadata.annotations?.[revisionAnnotation] ?? 0);
}

function createSet(
  { objects, writes, events }: WorkloadParts,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
): ReplicaSet {
  const { name, namespace = '', uid } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = createHash('sha256').update(templateText(template)).digest('hex').slice(0, 10);
  const labels = { ...template.metadata.labels, [hashLabel]: hash };
  const isFirst = sets.length === 0;
  const replicas = isFirst ? deployment.spec.replicas : 0;
  const set = writes.create(objects.replicaSets, namespace, {
    metadata: {
      name: `${name.slice(0, 200)}-${hash}`,
      labels,
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: {
      replicas,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  });
  if (replicas > 0)
    events.record(
      deployment,
      'Normal',
      'ScalingReplicaSet',
      `Scaled up replica set ${set.metadata.name} from 0 to ${replicas}`,
    );
  return set;
}

/** The present set always has the highest revision, also when an older template came back. */
function markRevision(
  { objects }: WorkloadParts,
  deployment: Deployment,
  fresh: ReplicaSet,
  old: readonly ReplicaSet[],
  mode: 'raise' | 'keep',
): void {
  const highest = Math.max(0, ...old.map(revisionOf));
  const own = revisionOf(fresh);
  const revision = mode === 'raise' && own <= highest ? highest + 1 : own;
  const { minReadySeconds } = deployment.spec;
  const present = objects.replicaSets.get(fresh.metadata.namespace ?? '', fresh.metadata.name);
  const {
    [revisionAnnotation]: _old,
    'kubectl.kubernetes.io/last-applied-configuration': _applied,
    ...copied
  } = deployment.metadata.annotations ?? {};
  objects.replicaSets.replace({
    ...present,
    metadata: {
      ...present.metadata,
      annotations: { ...present.metadata.annotations, ...copied, [revisionAnnotation]: String(revision) },
    },
    spec: { ...present.spec, ...(minReadySeconds === undefined ? {} : { minReadySeconds }) },
  });
  const { metadata } = deployment;
  if (metadata.annotations?.[revisionAnnotation] === String(revision)) return;
  objects.deployments.replace({
    ...deployment,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [revisionAnnotation]: String(revision) } },
  });
}

function countsOf(set: ReplicaSet): SetCounts {
  return { wanted: set.spec.replicas, present: set.status.replicas, available: set.status.availableReplicas ?? 0 };
}

function resize(parts: WorkloadParts, deployment: Deployment, fresh: ReplicaSet, old: readonly ReplicaSet[]): void {
  const limits = rolloutLimits(deployment);
  const { replicas } = deployment.spec;
  const active = old.filter(({ spec }) => spec.replicas > 0);
  const size = newSetSize(replicas, limits, countsOf(fresh), active.map(countsOf));
  scale(parts, deployment, fresh, size);
  const counts = { ...countsOf(fresh), wanted: size };
  for (const [index, left] of oldSetSizes(replicas, limits, counts, active.map(countsOf)).entries()) {
    const set = active[index];
    if (set !== undefined) scale(parts, deployment, set, left);
  }
}

/** A paused rollout keeps its mix of sets; only a change of replicas is followed, by the newest set that has pods. */
function scaleWhilePaused(parts: WorkloadParts, deployment: Deployment, sets: readonly ReplicaSet[]): void {
  const active = sets.filter(({ spec }) => spec.replicas > 0);
  const target = active[0] ?? sets[0];
  if (active.length <= 1 && target !== undefined) scale(parts, deployment, target, deployment.spec.replicas);
}

function scale({ objects, events }: WorkloadParts, deployment: Deployment, set: ReplicaSet, replicas: number): void {
  const present = objects.replicaSets.get(set.metadata.namespace ?? '', set.metadata.name);
  const from = present.spec.replicas;
  if (from === replicas) return;
  objects.replicaSets.replace({
    ...present,
    metadata: { ...present.metadata, generation: (present.metadata.generation ?? 1) + 1 },
    spec: { ...present.spec, replicas },
  });
  const way = replicas > from ? 'up' : 'down';
  events.record(
    deployment,
    'Normal',
    'ScalingReplicaSet',
    `Scaled ${way} replica set ${set.metadata.name} from ${from} to ${replicas}`,
  );
}

/** Empty old sets are the history that `rollout undo` goes back to; only so many are kept. */
function prune({ objects, now }: WorkloadParts, deployment: Deployment, old: readonly ReplicaSet[]): void {
  const empty = old.filter(({ spec, status }) => spec.replicas === 0 && status.replicas === 0);
  for (const set of empty.slice(0, Math.max(0, empty.length - deployment.spec.revisionHistoryLimit))) {
    deleteObject(objects.replicaSets, set.metadata.namespace ?? '', set.metadata.name, {}, now());
  }
}

function publish({ objects, now }: WorkloadParts, namespace: string, name: string): number | undefined {
  const deployment = objects.deployments.get(namespace, name);
  const sets = setsOf(objects, deployment);
  const fresh = sets.find((set) => templateText(set.spec.template) === templateText(deployment.spec.template));
  const { status, deadlineMs } = deploymentStatus(
    deployment,
    fresh,
    sets.filter((set) => set !== fresh),
    now(),
  );
  objects.deployments.replace({ ...deployment, status });
  return deadlineMs;
}
