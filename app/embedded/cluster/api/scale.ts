import { type KubeObject, namespaceOf } from '../objects/meta.ts';
import { isRecord, selectorText } from '../objects/selectors.ts';
import { Deployment, ReplicaSet, Scale } from '../objects/workloads.ts';
import { badRequest } from './status-error.ts';

/** The scale view of a Deployment or ReplicaSet. */
export function getScale(object: KubeObject): KubeObject {
  const { spec, status } = object.kind === 'Deployment' ? Deployment.parse(object) : ReplicaSet.parse(object);
  const { name, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace: namespaceOf(object), uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas },
    status: { replicas: status.replicas ?? 0, selector: selectorText(spec.selector) },
  };
}

/** The object with the replicas that a scale asks for. @throws StatusError 400 */
export function putScale(object: KubeObject, body: unknown): KubeObject {
  const parsed = Scale.safeParse(body);
  if (!parsed.success) throw badRequest('the body is not a Scale of at least 0 replicas');
  const spec = isRecord(object.spec) ? object.spec : {};
  const { resourceVersion } = parsed.data.metadata;
  return {
    ...object,
    metadata: { ...object.metadata, resourceVersion },
    spec: { ...spec, replicas: parsed.data.spec.replicas },
  };
}
