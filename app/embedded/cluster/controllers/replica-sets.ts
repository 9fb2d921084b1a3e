import { deleteObject } from '../api/deletion.ts';
import { nameSuffix, type Writes } from '../api/writes.ts';
import { type Condition, controllerOf, type KubeObject, timestamp } from '../objects/meta.ts';
import { isFinished, isReady, type Pod } from '../objects/pod.ts';
import { matches } from '../objects/selectors.ts';
import type { ReplicaSet } from '../objects/workloads.ts';
import type { Objects } from '../store/objects.ts';
import { untilAvailableMs } from './availability.ts';
import type { EventRecorder } from './events.ts';

export interface WorkloadParts {
  readonly objects: Objects;
  readonly writes: Writes;
  readonly events: EventRecorder;
  readonly now: () => Date;
}

const burst = 500;
const retryMs = 2_000;

/** The pods that a set controls and that have not ended. */
export function podsOf(objects: Objects, owner: KubeObject): Pod[] {
  return objects.pods
    .list(owner.metadata.namespace ?? '')
    .filter((pod) => controllerOf(pod)?.uid === owner.metadata.uid && !isFinished(pod));
}

/**
 * Makes as many pods as a set wants and tells their count. Pods of nobody that its selector fits are adopted.
 * @returns when to look again, in milliseconds, where a pod only becomes available by time passing
 */
export function reconcileReplicaSet(parts: WorkloadParts, namespace: string, name: string): number | undefined {
  const { objects, events, now } = parts;
  const set = objects.replicaSets.find(namespace, name);
  if (set === undefined || set.metadata.deletionTimestamp !== undefined) return undefined;
  adoptOrphans(objects, set);
  dropEnded(parts, set);
  const pods = podsOf(objects, set).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const missing = Math.min(set.spec.replicas - pods.length, burst);
  let failure: string | undefined;
  for (let index = 0; index < missing && failure === undefined; index += 1) failure = createPod(parts, set);
  if (failure !== undefined) events.record(set, 'Warning', 'FailedCreate', `Error creating: ${failure}`);
  for (const pod of pods.toSorted(leastUseful).slice(0, Math.max(0, -missing))) {
    deleteObject(objects.pods, namespace, pod.metadata.name, {}, now());
    events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }
  const againMs = publish(parts, namespace, name, failure);
  return failure === undefined ? againMs : retryMs;
}

function createPod({ objects, writes, events }: WorkloadParts, set: ReplicaSet): string | undefined {
  const { namespace = '', name, uid } = set.metadata;
  const { template } = set.spec;
  try {
    const pod = writes.create(objects.pods, namespace, {
      metadata: {
        name: `${name.slice(0, 57)}-${nameSuffix()}`,
        generateName: `${name}-`,
        labels: template.metadata.labels,
        ...(template.metadata.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true, blockOwnerDeletion: true },
        ],
      },
      spec: template.spec,
    });
    events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function adoptOrphans(objects: Objects, set: ReplicaSet): void {
  const { namespace = '', name, uid } = set.metadata;
  for (const pod of objects.pods.list(namespace)) {
    const isFree = controllerOf(pod) === undefined && pod.metadata.deletionTimestamp === undefined && !isFinished(pod);
    if (!isFree || !matches(set.spec.selector, pod.metadata.labels)) continue;
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true, blockOwnerDeletion: true };
    const ownerReferences = [...(pod.metadata.ownerReferences ?? []), owner];
    objects.pods.replace({ ...pod, metadata: { ...pod.metadata, ownerReferences } });
  }
}

/** Ended pods of a set (their shim was killed, say) are replaced; they need not be kept. */
function dropEnded({ objects, now }: WorkloadParts, set: ReplicaSet): void {
  const namespace = set.metadata.namespace ?? '';
  for (const pod of objects.pods.list(namespace)) {
    if (controllerOf(pod)?.uid !== set.metadata.uid || !isFinished(pod)) continue;
    if (pod.metadata.deletionTimestamp === undefined)
      deleteObject(objects.pods, namespace, pod.metadata.name, {}, now());
  }
}

/** Pods that serve least go first; of equals the youngest. */
function leastUseful(a: Pod, b: Pod): number {
  const rank = (pod: Pod): number => (isReady(pod) ? 2 : pod.status.phase === 'Running' ? 1 : 0);
  return rank(a) - rank(b) || Number(b.metadata.resourceVersion) - Number(a.metadata.resourceVersion);
}

function publish(
  { objects, now }: WorkloadParts,
  namespace: string,
  name: string,
  failure: string | undefined,
): number | undefined {
  const set = objects.replicaSets.get(namespace, name);
  const { minReadySeconds = 0, template } = set.spec;
  const pods = podsOf(objects, set).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const waits = pods.map((pod) => untilAvailableMs(pod, minReadySeconds, now()));
  const isLabeled = (pod: Pod): boolean =>
    matches({ matchLabels: template.metadata.labels ?? {} }, pod.metadata.labels);
  const conditions: Condition[] =
    failure === undefined
      ? []
      : [
          {
            type: 'ReplicaFailure',
            status: 'True',
            reason: 'FailedCreate',
            message: failure,
            lastTransitionTime: timestamp(now()),
          },
        ];
  objects.replicaSets.replace({
    ...set,
    status: {
      replicas: pods.length,
      fullyLabeledReplicas: pods.filter(isLabeled).length,
      readyReplicas: pods.filter(isReady).length,
      availableReplicas: waits.filter((wait) => wait === 0).length,
      observedGeneration: set.metadata.generation ?? 1,
      ...(conditions.length === 0 ? {} : { conditions }),
    },
  });
  const later = waits.filter((wait) => wait !== undefined && wait > 0);
  return later.length === 0 ? undefined : Math.min(...later.map((wait) => wait ?? 0));
}
