import { z } from 'zod';

const OwnerReference = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
  blockOwnerDeletion: z.boolean().optional(),
});
type OwnerReference = z.infer<typeof OwnerReference>;

export const ManagedFields = z.looseObject({
  manager: z.string().optional(),
  operation: z.string().optional(),
  fieldsV1: z.record(z.string(), z.unknown()).optional(),
});

/** What the cluster fills in itself is empty until it did; times are RFC 3339 strings, as on the wire. */
const ObjectMeta = z.looseObject({
  name: z.string().default(''),
  generateName: z.string().optional(),
  namespace: z.string().optional(),
  uid: z.string().default(''),
  resourceVersion: z.string().default(''),
  creationTimestamp: z.string().default(''),
  generation: z.number().int().optional(),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.number().int().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  ownerReferences: z.array(OwnerReference).optional(),
  finalizers: z.array(z.string()).optional(),
  managedFields: z.array(ManagedFields).optional(),
});
type ObjectMeta = z.infer<typeof ObjectMeta>;

const emptyMeta: ObjectMeta = { name: '', uid: '', resourceVersion: '', creationTimestamp: '' };

export const envelope = {
  apiVersion: z.string().default(''),
  kind: z.string().default(''),
  metadata: ObjectMeta.default(emptyMeta),
};

/** Any object, with what all kinds share typed. */
export const KubeObject = z.looseObject({ ...envelope, spec: z.unknown().optional(), status: z.unknown().optional() });
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: unknown;
  status?: unknown;
}

export const LabelSelector = z.looseObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.looseObject({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});
export type LabelSelector = z.infer<typeof LabelSelector>;

/** A condition of any kind's status. */
export const Condition = z.looseObject({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().optional(),
  lastUpdateTime: z.string().optional(),
});
export type Condition = z.infer<typeof Condition>;

export const IntOrString = z.union([z.number().int(), z.string()]);
export type IntOrString = z.infer<typeof IntOrString>;

export function namespaceOf(object: KubeObject): string {
  return object.metadata.namespace ?? '';
}

/** `namespace/name`, or the name alone where the kind has no namespace. */
export function keyOf(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

export function keyOfObject(object: KubeObject): string {
  return keyOf(namespaceOf(object), object.metadata.name);
}

/** Kubernetes prints most times to the second. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** The owner that controls an object, of which there is at most one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}
