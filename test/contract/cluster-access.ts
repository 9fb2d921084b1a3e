import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  KubernetesObjectApi,
  type V1Container,
  type V1Pod,
  type V1PodSpec,
} from '@kubernetes/client-node';

/** Clients for one namespace of the cluster under test, and short words for what the tests do with them. */
export class ClusterAccess {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly objects: KubernetesObjectApi;
  readonly config: KubeConfig;
  readonly namespace: string;

  constructor(config: KubeConfig, namespace: string) {
    this.config = config;
    this.namespace = namespace;
    this.core = config.makeApiClient(CoreV1Api);
    this.apps = config.makeApiClient(AppsV1Api);
    this.objects = KubernetesObjectApi.makeApiClient(config);
  }

  create(pod: V1Pod): Promise<V1Pod> {
    return this.core.createNamespacedPod({ namespace: this.namespace, body: pod });
  }

  read(name: string): Promise<V1Pod> {
    return this.core.readNamespacedPod({ namespace: this.namespace, name });
  }

  log(
    name: string,
    options: { container?: string; previous?: true; tailLines?: number; timestamps?: true } = {},
  ): Promise<string> {
    return this.core.readNamespacedPodLog({ namespace: this.namespace, name, ...options });
  }

  /** Waits for a pod to be over. */
  ended(name: string): Promise<V1Pod> {
    return until(
      () => this.read(name),
      (pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed',
    );
  }

  running(name: string): Promise<V1Pod> {
    return until(
      () => this.read(name),
      (pod) => pod.status?.phase === 'Running',
    );
  }

  gone(name: string): Promise<unknown> {
    return until(
      () => codeOf(this.read(name)),
      (code) => code === 404,
    );
  }

  /** Runs one script to its end. @returns what it printed and its exit code */
  async run(
    name: string,
    script: string,
    spec: Partial<V1PodSpec> = {},
    container: Partial<V1Container> = {},
  ): Promise<{ output: string; exitCode: number | undefined; pod: V1Pod }> {
    await this.create(podOf(name, script, spec, container));
    const pod = await this.ended(name);
    return {
      output: await this.log(name),
      exitCode: pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode,
      pod,
    };
  }
}

/** A pod of one container that runs a shell script once; the same spec runs on every cluster. */
export function podOf(
  name: string,
  script: string,
  spec: Partial<V1PodSpec> = {},
  container: Partial<V1Container> = {},
): V1Pod {
  return {
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: 'local/base:1', command: ['sh', '-c', script], ...container }],
      ...spec,
    },
  };
}

const timeoutMs = 60_000;

/** Asks again until an answer fits. @throws Error with the last answer when it takes too long */
export async function until<T>(ask: () => Promise<T>, isFine: (answer: T) => boolean): Promise<T> {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (isFine(answer)) return answer;
    if (Date.now() > endMs)
      throw new Error(`Not reached in ${timeoutMs} ms; last: ${JSON.stringify(answer).slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

/** The HTTP code of an answer: 200 for success. */
export async function codeOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return 200;
  } catch (error) {
    if (error instanceof ApiException) return error.code;
    throw error;
  }
}

/** The Status object of a refused call. */
export async function refusalOf(call: Promise<unknown>): Promise<{ code: number; reason: string; message: string }> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ApiException && typeof error.body === 'string') return JSON.parse(error.body);
    throw error;
  }
  throw new Error('The call was not refused');
}
