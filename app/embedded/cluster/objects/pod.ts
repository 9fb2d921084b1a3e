import { z } from 'zod';
import { Condition, envelope, IntOrString } from './meta.ts';

const Quantity = z.union([z.string(), z.number()]).transform((value) => String(value));
const KeyRef = z.looseObject({ name: z.string().default(''), key: z.string(), optional: z.boolean().optional() });
const SourceRef = z.looseObject({ name: z.string().default(''), optional: z.boolean().optional() });

const EnvVar = z.looseObject({
  name: z.string().min(1),
  value: z.string().optional(),
  valueFrom: z
    .looseObject({
      fieldRef: z.looseObject({ fieldPath: z.string() }).optional(),
      secretKeyRef: KeyRef.optional(),
      configMapKeyRef: KeyRef.optional(),
      resourceFieldRef: z.looseObject({ resource: z.string(), containerName: z.string().optional() }).optional(),
    })
    .optional(),
});

const ContainerPort = z.looseObject({
  name: z.string().optional(),
  containerPort: z.number().int().min(1).max(65_535),
  protocol: z.string().default('TCP'),
});

const seconds = (minimum: number, value: number) => z.number().int().min(minimum).default(value);
export const Probe = z.looseObject({
  httpGet: z
    .looseObject({
      path: z.string().default('/'),
      port: IntOrString,
      host: z.string().optional(),
      scheme: z.string().default('HTTP'),
      httpHeaders: z.array(z.looseObject({ name: z.string(), value: z.string() })).optional(),
    })
    .optional(),
  tcpSocket: z.looseObject({ port: IntOrString, host: z.string().optional() }).optional(),
  exec: z.looseObject({ command: z.array(z.string()).optional() }).optional(),
  initialDelaySeconds: z.number().int().min(0).optional(),
  timeoutSeconds: seconds(1, 1),
  periodSeconds: seconds(1, 10),
  successThreshold: seconds(1, 1),
  failureThreshold: seconds(1, 3),
});
export type Probe = z.infer<typeof Probe>;

const VolumeMount = z.looseObject({
  name: z.string().min(1),
  mountPath: z.string().min(1),
  subPath: z.string().optional(),
  readOnly: z.boolean().optional(),
});
export type VolumeMount = z.infer<typeof VolumeMount>;

const Resources = z.looseObject({
  requests: z.record(z.string(), Quantity).optional(),
  limits: z.record(z.string(), Quantity).optional(),
});

export const Container = z.looseObject({
  name: z.string().min(1),
  image: z.string().optional(),
  imagePullPolicy: z.string().default('IfNotPresent'),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  workingDir: z.string().optional(),
  env: z.array(EnvVar).optional(),
  envFrom: z
    .array(
      z.looseObject({
        prefix: z.string().optional(),
        secretRef: SourceRef.optional(),
        configMapRef: SourceRef.optional(),
      }),
    )
    .optional(),
  ports: z.array(ContainerPort).optional(),
  resources: Resources.default({}),
  volumeMounts: z.array(VolumeMount).optional(),
  readinessProbe: Probe.optional(),
  livenessProbe: Probe.optional(),
  startupProbe: Probe.optional(),
  terminationMessagePath: z.string().default('/dev/termination-log'),
  terminationMessagePolicy: z.string().default('File'),
});
export type Container = z.infer<typeof Container>;

const mode = z.number().int().min(0).max(0o777).optional();
const Items = z.array(z.looseObject({ key: z.string(), path: z.string(), mode })).optional();
const FieldItems = z
  .array(z.looseObject({ path: z.string(), fieldRef: z.looseObject({ fieldPath: z.string() }).optional(), mode }))
  .optional();
export const ProjectedSource = z.looseObject({
  serviceAccountToken: z
    .looseObject({
      audience: z.string().optional(),
      expirationSeconds: z.number().int().min(600).default(3600),
      path: z.string().min(1),
    })
    .optional(),
  configMap: SourceRef.extend({ items: Items }).optional(),
  secret: SourceRef.extend({ items: Items }).optional(),
  downwardAPI: z.looseObject({ items: FieldItems }).optional(),
});
export type ProjectedSource = z.infer<typeof ProjectedSource>;

export const Volume = z.looseObject({
  name: z.string().min(1),
  emptyDir: z.looseObject({ sizeLimit: Quantity.optional() }).optional(),
  configMap: SourceRef.extend({ items: Items, defaultMode: mode }).optional(),
  secret: z
    .looseObject({ secretName: z.string().min(1), optional: z.boolean().optional(), items: Items, defaultMode: mode })
    .optional(),
  projected: z.looseObject({ sources: z.array(ProjectedSource).optional(), defaultMode: mode }).optional(),
  downwardAPI: z.looseObject({ items: FieldItems, defaultMode: mode }).optional(),
});
export type Volume = z.infer<typeof Volume>;

export const PodSpec = z.looseObject({
  volumes: z.array(Volume).optional(),
  initContainers: z.array(Container).optional(),
  containers: z.array(Container).min(1),
  restartPolicy: z.enum(['Always', 'OnFailure', 'Never']).default('Always'),
  terminationGracePeriodSeconds: z.number().int().min(0).default(30),
  activeDeadlineSeconds: z.number().int().min(1).optional(),
  dnsPolicy: z.string().default('ClusterFirst'),
  serviceAccountName: z.string().optional(),
  enableServiceLinks: z.boolean().default(true),
  nodeName: z.string().optional(),
  nodeSelector: z.record(z.string(), z.string()).optional(),
  priorityClassName: z.string().optional(),
  priority: z.number().int().optional(),
  schedulerName: z.string().default('default-scheduler'),
  securityContext: z.looseObject({}).default({}),
});
export type PodSpec = z.infer<typeof PodSpec>;

const Terminated = z.looseObject({
  exitCode: z.number().int(),
  signal: z.number().int().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
});
const ContainerState = z.looseObject({
  waiting: z.looseObject({ reason: z.string().optional(), message: z.string().optional() }).optional(),
  running: z.looseObject({ startedAt: z.string().optional() }).optional(),
  terminated: Terminated.optional(),
});
export type ContainerState = z.infer<typeof ContainerState>;

export const ContainerStatus = z.looseObject({
  name: z.string(),
  state: ContainerState.optional(),
  lastState: ContainerState.optional(),
  ready: z.boolean(),
  restartCount: z.number().int(),
  started: z.boolean().optional(),
});
export type ContainerStatus = z.infer<typeof ContainerStatus>;

export const PodStatus = z.looseObject({
  phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']).optional(),
  conditions: z.array(Condition).optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  startTime: z.string().optional(),
  podIP: z.string().optional(),
  containerStatuses: z.array(ContainerStatus).optional(),
  initContainerStatuses: z.array(ContainerStatus).optional(),
});
export type PodStatus = z.infer<typeof PodStatus>;

export const Pod = z.looseObject({ ...envelope, spec: PodSpec, status: PodStatus.default({}) });
export type Pod = z.infer<typeof Pod>;

/** Pod template of a Deployment or ReplicaSet; only its labels and annotations count. */
export const PodTemplate = z.looseObject({
  metadata: z
    .looseObject({
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
    })
    .default({}),
  spec: PodSpec,
});
export type PodTemplate = z.infer<typeof PodTemplate>;

export function isReady(pod: Pod): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

export function isFinished(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}
