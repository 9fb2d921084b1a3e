import { CoreV1Api, type KubeConfig, makeInformer, type V1Pod } from '@kubernetes/client-node';
import { EngineError, type EngineErrorCode } from '../ports/errors.ts';
import type { PodRunner } from '../ports/pod-runner.ts';
import { refusalOf } from './admission-refusal.ts';
import { reasonOf, retryAfterMsOf, statusOf, withTimeout } from './client.ts';
import { labels } from './names.ts';
import { type PodSettings, podSpec } from './pod-spec.ts';
import { observe } from './pod-status.ts';
import type { TenantNamespaces } from './tenant-namespaces.ts';

const selector = `${labels.role}=stage`;
const restartMs = 1_000;

/** Runs attempts as pods of a Kubernetes cluster, in their tenant's namespace. */
export function kubernetesPodRunner(options: {
  readonly config: KubeConfig;
  readonly namespaces: Pick<TenantNamespaces, 'nameOf' | 'ensure' | 'forget'>;
  readonly settings: PodSettings;
  readonly onError: (error: unknown) => void;
}): PodRunner {
  const { config, namespaces, settings, onError } = options;
  const core = config.makeApiClient(CoreV1Api);

  return {
    async start(pod) {
      try {
        const namespace = await namespaces.ensure(pod.tenant);
        await core.createNamespacedPod({ namespace, body: podSpec(pod, settings) }, withTimeout());
      } catch (error) {
        if (statusOf(error) === 409 && reasonOf(error).includes('already exists')) return;
        if (error instanceof EngineError) throw error;
        // What should be there is not: all of it is looked at again before the next try.
        if (isMissing(error)) namespaces.forget(pod.tenant);
        throw podError(`Creating pod ${pod.podName}`, error);
      }
    },

    async stop({ tenant, podName }, { graceMs }) {
      try {
        const namespace = namespaces.nameOf(tenant);
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

function isMissing(error: unknown): boolean {
  return statusOf(error) === 404 || (statusOf(error) === 403 && /no PriorityClass|terminated/.test(reasonOf(error)));
}

function podError(what: string, error: unknown): EngineError {
  const status = statusOf(error);
  const why = status === undefined ? `The cluster does not answer: ${reasonOf(error)}` : reasonOf(error);
  const retryAfterMs = retryAfterMsOf(error);
  return new EngineError({
    ...(status === 403 ? refusalOf(why) : faultOf(status)),
    what,
    why,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause: error,
  });
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
