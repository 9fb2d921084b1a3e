import { forbidden, notFound } from '../api/status-error.ts';
import type { Admission } from '../api/writes.ts';
import { type KubeObject, namespaceOf, timestamp } from '../objects/meta.ts';
import { Service, type ServicePort } from '../objects/network.ts';
import { Pod } from '../objects/pod.ts';
import { qosClassOf } from '../objects/qos.ts';
import type { Resource } from '../objects/resource.ts';
import type { Objects } from '../store/objects.ts';
import { limitRefusal, withLimitDefaults } from './limit-range.ts';
import { quotaRefusal } from './quota.ts';

/** The one node's name. */
export const nodeName = 'local';

/** Annotation of a Service: where it is reached on this machine, as `127.0.0.1:<port>`. */
export const localAddressAnnotation = 'slipway.dev/local-address';

const firstNodePort = 30_000;
const lastNodePort = 32_767;

/** The rules that look at other objects than the one written. */
export class ClusterAdmission implements Admission {
  readonly #objects: Objects;
  readonly #now: () => Date;

  constructor(objects: Objects, now: () => Date) {
    this.#objects = objects;
    this.#now = now;
  }

  admit<T extends KubeObject>(resource: Resource<T>, object: T, previous: T | undefined): T {
    const isNew = previous === undefined;
    if (isNew && resource.isNamespaced) this.#assertNamespace(resource, object);
    if (resource.kind === 'Pod' && isNew) {
      return resource.parse(this.#admitPod(Pod.parse(object), resource));
    }
    if (resource.kind === 'Service') {
      const before = previous === undefined ? undefined : Service.parse(previous);
      return resource.parse(this.#withAddress(Service.parse(object), before));
    }
    return resource.kind === 'Namespace' && isNew
      ? resource.parse({ ...object, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } })
      : object;
  }

  #assertNamespace<T extends KubeObject>(resource: Resource<T>, object: T): void {
    const name = namespaceOf(object);
    const namespace = this.#objects.namespaces.find('', name);
    if (namespace === undefined) throw notFound(this.#objects.namespaces.resource, name);
    if (namespace.metadata.deletionTimestamp !== undefined) {
      throw forbidden(
        resource,
        object.metadata.name,
        `unable to create new content in namespace ${name} because it is being terminated`,
      );
    }
  }

  /** Quota, priority and the place to run are settled at once: there is one node. */
  #admitPod<T extends KubeObject>(asked: Pod, resource: Resource<T>): Pod {
    const pod = withLimitDefaults(this.#objects, asked);
    const refusal = limitRefusal(this.#objects, pod) ?? quotaRefusal(this.#objects, pod);
    if (refusal !== undefined) throw forbidden(resource, pod.metadata.name, refusal);
    const { priorityClassName } = pod.spec;
    const priority =
      priorityClassName === undefined ? undefined : this.#objects.priorityClasses.find('', priorityClassName);
    if (priorityClassName !== undefined && priority === undefined && !priorityClassName.startsWith('system-')) {
      throw forbidden(resource, pod.metadata.name, `no PriorityClass with name ${priorityClassName} was found`);
    }
    const lastTransitionTime = timestamp(this.#now());
    const mismatch = this.#placeMismatch(pod);
    return {
      ...pod,
      spec: {
        ...pod.spec,
        priority: priority?.value ?? 0,
        ...(mismatch === undefined ? { nodeName } : {}),
      },
      status: {
        phase: 'Pending',
        qosClass: qosClassOf(pod),
        conditions: [
          mismatch === undefined
            ? { type: 'PodScheduled', status: 'True', lastTransitionTime }
            : { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: mismatch, lastTransitionTime },
        ],
      },
    };
  }

  #placeMismatch(pod: Pod): string | undefined {
    const labels = this.#objects.nodes.find('', nodeName)?.metadata.labels ?? {};
    const isFitting = Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
    const isHere = pod.spec.nodeName === undefined || pod.spec.nodeName === nodeName;
    return isFitting && isHere
      ? undefined
      : "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
  }

  #withAddress(service: Service, previous: Service | undefined): Service {
    const { type, clusterIP, ports = [] } = service.spec;
    if (type === 'ExternalName' || clusterIP === 'None') return service;
    const taken = this.#nodePorts(service);
    const place = (port: ServicePort): ServicePort => {
      const before = previous?.spec.ports?.find((old) => old.port === port.port)?.nodePort;
      const nodePort = port.nodePort ?? before ?? freePort(taken);
      taken.add(nodePort);
      return { ...port, targetPort: port.targetPort ?? port.port, nodePort };
    };
    const placed = ports.map(place);
    return {
      ...service,
      metadata: {
        ...service.metadata,
        annotations: { ...service.metadata.annotations, [localAddressAnnotation]: `127.0.0.1:${placed[0]?.nodePort}` },
      },
      spec: { ...service.spec, ports: placed, clusterIP: '127.0.0.1', clusterIPs: ['127.0.0.1'], ipFamilies: ['IPv4'] },
    };
  }

  #nodePorts(except: Service): Set<number> {
    const others = this.#objects.services.list().filter((service) => service.metadata.uid !== except.metadata.uid);
    return new Set(others.flatMap(({ spec }) => (spec.ports ?? []).flatMap(({ nodePort }) => nodePort ?? [])));
  }
}

/** A random one, so that two clusters on one machine seldom meet; the proxy moves on where it is taken after all. */
function freePort(taken: ReadonlySet<number>): number {
  const count = lastNodePort - firstNodePort + 1;
  const start = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
  for (let step = 0; step < count; step += 1) {
    const port = firstNodePort + ((start + step) % count);
    if (!taken.has(port)) return port;
  }
  throw new Error('All local ports for Services are taken: delete some Services');
}
