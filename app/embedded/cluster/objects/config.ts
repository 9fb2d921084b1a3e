import { z } from 'zod';
import { Condition, envelope } from './meta.ts';

const texts = z.record(z.string(), z.string()).optional();
const quantities = z.record(
  z.string(),
  z.union([z.string(), z.number()]).transform((value) => String(value)),
);

export const Namespace = z.looseObject({
  ...envelope,
  spec: z.looseObject({ finalizers: z.array(z.string()).optional() }).default({}),
  status: z.looseObject({ phase: z.string().optional(), conditions: z.array(Condition).optional() }).default({}),
});
export type Namespace = z.infer<typeof Namespace>;

export const ConfigMap = z.looseObject({
  ...envelope,
  data: texts,
  binaryData: texts,
  immutable: z.boolean().optional(),
});
export type ConfigMap = z.infer<typeof ConfigMap>;

export const Secret = z.looseObject({
  ...envelope,
  type: z.string().default('Opaque'),
  data: texts,
  stringData: texts,
  immutable: z.boolean().optional(),
});
export type Secret = z.infer<typeof Secret>;

export const Event = z.looseObject({
  ...envelope,
  involvedObject: z
    .looseObject({
      kind: z.string().optional(),
      namespace: z.string().optional(),
      name: z.string().optional(),
      uid: z.string().optional(),
    })
    .default({}),
  reason: z.string().optional(),
  message: z.string().optional(),
  type: z.string().optional(),
  count: z.number().int().optional(),
  firstTimestamp: z.string().optional(),
  lastTimestamp: z.string().optional(),
});
export type Event = z.infer<typeof Event>;

export const ResourceQuota = z.looseObject({
  ...envelope,
  spec: z
    .looseObject({
      hard: quantities.optional(),
      scopeSelector: z
        .looseObject({
          matchExpressions: z
            .array(
              z.looseObject({
                scopeName: z.string(),
                operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
                values: z.array(z.string()).optional(),
              }),
            )
            .optional(),
        })
        .optional(),
    })
    .default({}),
  status: z.looseObject({ hard: quantities.optional(), used: quantities.optional() }).default({}),
});
export type ResourceQuota = z.infer<typeof ResourceQuota>;

export const Node = z.looseObject({
  ...envelope,
  spec: z.looseObject({ unschedulable: z.boolean().optional() }).default({}),
  status: z.looseObject({ conditions: z.array(Condition).optional() }).default({}),
});
export type Node = z.infer<typeof Node>;

export const PriorityClass = z.looseObject({
  ...envelope,
  value: z.number().int().default(0),
  globalDefault: z.boolean().optional(),
});
export type PriorityClass = z.infer<typeof PriorityClass>;

/** Kinds that are kept as they are: leases, limit ranges, network policies, service accounts, RBAC objects. */
export const Plain = z.looseObject({ ...envelope, spec: z.unknown().optional(), status: z.unknown().optional() });
export type Plain = z.infer<typeof Plain>;
