import { z } from 'zod';
import { Condition, envelope, IntOrString, LabelSelector } from './meta.ts';
import { PodTemplate } from './pod.ts';

const count = z.number().int().min(0);

export const ReplicaSet = z.looseObject({
  ...envelope,
  spec: z.looseObject({
    replicas: count.default(1),
    minReadySeconds: count.optional(),
    selector: LabelSelector,
    template: PodTemplate,
  }),
  status: z
    .looseObject({
      replicas: count.default(0),
      fullyLabeledReplicas: count.optional(),
      readyReplicas: count.optional(),
      availableReplicas: count.optional(),
      observedGeneration: count.optional(),
      conditions: z.array(Condition).optional(),
    })
    .default({ replicas: 0 }),
});
export type ReplicaSet = z.infer<typeof ReplicaSet>;

const DeploymentStrategy = z.looseObject({
  type: z.enum(['RollingUpdate', 'Recreate']).default('RollingUpdate'),
  rollingUpdate: z.looseObject({ maxSurge: IntOrString.optional(), maxUnavailable: IntOrString.optional() }).optional(),
});

export const Deployment = z.looseObject({
  ...envelope,
  spec: z.looseObject({
    replicas: count.default(1),
    selector: LabelSelector,
    template: PodTemplate,
    strategy: DeploymentStrategy.default({ type: 'RollingUpdate' }),
    minReadySeconds: count.optional(),
    revisionHistoryLimit: count.default(10),
    progressDeadlineSeconds: z.number().int().min(1).default(600),
    paused: z.boolean().optional(),
  }),
  status: z
    .looseObject({
      observedGeneration: count.optional(),
      replicas: count.optional(),
      updatedReplicas: count.optional(),
      readyReplicas: count.optional(),
      availableReplicas: count.optional(),
      unavailableReplicas: count.optional(),
      collisionCount: count.optional(),
      conditions: z.array(Condition).optional(),
    })
    .default({}),
});
export type Deployment = z.infer<typeof Deployment>;

export const Scale = z.looseObject({
  ...envelope,
  spec: z.looseObject({ replicas: count.default(0) }).default({ replicas: 0 }),
});
