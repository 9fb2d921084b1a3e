import { z } from 'zod';
import { parseQuantity } from '../../../../engine/kubernetes/quantity.ts';
import type { Pod } from '../objects/pod.ts';
import type { Objects } from '../store/objects.ts';

const quantities = z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).default({});
const limitRange = z.looseObject({
  limits: z
    .array(z.looseObject({ type: z.string(), max: quantities, default: quantities, defaultRequest: quantities }))
    .default([]),
});

type Container = Pod['spec']['containers'][number];

function rangesOf(objects: Objects, namespace: string): z.infer<typeof limitRange>['limits'] {
  return objects.limitRanges
    .list(namespace)
    .flatMap(({ spec }) => limitRange.parse(spec ?? {}).limits)
    .filter(({ type }) => type === 'Container');
}

/** The pod with what its namespace's limit ranges give to containers that ask for nothing. */
export function withLimitDefaults(objects: Objects, pod: Pod): Pod {
  const ranges = rangesOf(objects, pod.metadata.namespace ?? '');
  if (ranges.length === 0) return pod;
  const filled = (container: Container): Container =>
    ranges.reduce(
      ({ resources, ...rest }, range) => ({
        ...rest,
        resources: {
          ...resources,
          limits: { ...range.default, ...resources.limits },
          requests: { ...range.defaultRequest, ...resources.limits, ...resources.requests },
        },
      }),
      container,
    );
  return { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map(filled) } };
}

/** Why a container is too large for its namespace, in the words of Kubernetes; undefined where all fit. */
export function limitRefusal(objects: Objects, pod: Pod): string | undefined {
  for (const { max } of rangesOf(objects, pod.metadata.namespace ?? '')) {
    for (const [name, most] of Object.entries(max)) {
      const over = pod.spec.containers
        .map(({ resources }) => resources.limits?.[name])
        .find((limit) => limit !== undefined && parseQuantity(limit) > parseQuantity(most));
      if (over !== undefined) return `maximum ${name} usage per Container is ${most}, but limit is ${over}`;
    }
  }
  return undefined;
}
