import { CoreV1Api, type KubeConfig, makeInformer, type V1Pod } from '@kubernetes/client-node';
import { EngineError, type EngineErrorCode } from '../ports/errors.ts';
import type { PodRunner } from '../ports/pod-runner.ts';
import { refusalOf } from './admission-refusal.ts';
import { reasonOf, statusOf, withTimeout } from './client.ts';
import { tenantNamespace } from './namespace.ts';
import { labels, type PodSettings, podSpec } from './pod-spec.ts';
import { observe } from './pod-status.ts';

const selector = `${labels.role}=stage`;
const restartMs = 1_000;

/** Runs attempts as pods of a Kubernetes cluster, in their tenant's namespace. */
export function kubernetesPodRunner(options: {
  readonly config: KubeConfig;
  readonly namespacePrefix: string;
  readonly settings: PodSettings;
  readonly onError: (error: unknown) => void;
}): PodRunner {
  const { config, namespacePrefix, settings, onError } = options;
  const core = config.makeApiClient(CoreV1Api);
  const namespaces = new Map<string, Promise<string>>();

  /** Made once per process; a namespace that is there is as good as one made. */
  function namespaceOf(tenant: string): Promise<string> {
    const known = namespaces.get(tenant);
    if (known !== undefined) return known;
    const made = ensureNamespace(tenant).catch((error: unknown) => {
      namespaces.delete(tenant);
      throw error;
    });
    namespaces.set(tenant, made);
    return made;
  }

  async function ensureNamespace(tenant: string): Promise<string> {
    const name = tenantNamespace(namespacePrefix, tenant);
    const metadata = {
      name,
      labels: { 'pod-security.kubernetes.io/enforce': 'restricted', 'app.kubernetes.io/managed-by': 'slipway' },
    };
    try {
      await core.createNamespace({ body: { metadata } }, withTimeout());
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
    }
    return name;
  }

  return {
    async start(pod) {
      try {
        const namespace = await namespaceOf(pod.tenant);
        await core.createNamespacedPod({ namespace, body: podSpec(pod, settings) }, withTimeout());
      } catch (error) {
        if (statusOf(error) === 409 && reasonOf(error).includes('already exists')) return;
        if (statusOf(error) === 404) namespaces.delete(pod.tenant);
        throw podError(`Creating pod ${pod.podName}`, error);
      }
    },

    async stop({ tenant, podName }, { graceMs }) {
      try {
        const namespace = tenantNamespace(namespacePrefix, tenant);
        await core.deleteNamespacedPod(
          { namespace, name: podName, gracePeriodSeconds: Math.ceil(graceMs / 1_000) },
          withTimeout(),
        );
      } catch (error) {
        if (statusOf(error) === 404) return;
        throw podError(`Deleting pod ${podName}`, error);
      }
    },

    async list() {
      const { items } = await core.listPodForAllNamespaces({ labelSelector: selector }, withTimeout());
      return items.flatMap((pod) => observe(pod) ?? []);
    },

    watch(onChange) {
      const list = () => core.listPodForAllNamespaces({ labelSelector: selector }, withTimeout());
      const informer = makeInformer(config, '/api/v1/pods', list, selector);
      let isStopped = false;
      let restart: NodeJS.Timeout | undefined;
      const seen = (pod: V1Pod) => {
        const observation = observe(pod);
        if (observation !== undefined) onChange(observation);
      };
      informer.on('add', seen);
      informer.on('update', seen);
      informer.on('delete', (pod: V1Pod) => {
        const observation = observe(pod);
        if (observation !== undefined) onChange({ ...observation, state: { phase: 'gone' } });
      });
      // The informer ends on any error but its own timeouts, so it is started again; it lists first, so nothing is missed.
      const again = () => {
        clearTimeout(restart);
        if (!isStopped) restart = setTimeout(begin, restartMs);
      };
      const begin = () => {
        informer.start().catch((error: unknown) => {
          onError(podError('Watching pods', error));
          again();
        });
      };
      informer.on('error', (error: unknown) => {
        if (isStopped) return;
        onError(podError('Watching pods', error));
        again();
      });
      begin();
      return {
        stop() {
          isStopped = true;
          clearTimeout(restart);
          void informer.stop();
        },
      };
    },
  };
}

function podError(what: string, error: unknown): EngineError {
  const status = statusOf(error);
  const why = status === undefined ? `The cluster does not answer: ${reasonOf(error)}` : reasonOf(error);
  return new EngineError({ ...(status === 403 ? refusalOf(why) : faultOf(status)), what, why, cause: error });
}

function faultOf(status: number | undefined): { readonly code: EngineErrorCode; readonly fix: string } {
  switch (status) {
    case 400:
    case 422:
      return { code: 'invalid', fix: 'Correct what the stage asks for' };
    case 409:
      return { code: 'conflict', fix: 'It is tried again' };
    default:
      return { code: 'unavailable', fix: 'It is tried again' };
  }
}
