import { CoreV1Api, type KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { EngineError, type EngineErrorCode } from '../ports/errors.ts';
import type { PodRunner } from '../ports/pod-runner.ts';
import { refusalOf } from './admission-refusal.ts';
import { reasonOf, retryAfterMsOf, statusOf, withTimeout } from './client.ts';
import { labels } from './names.ts';
import { type PodSettings, podSpec } from './pod-spec.ts';
import { observe } from './pod-status.ts';
import type { TenantNamespaces } from './tenant-namespaces.ts';
import { watchPods } from './watch-pods.ts';

const selector = `${labels.role}=stage`;

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

    watch(onChange) {
      const tell = (pod: V1Pod, gone?: { readonly phase: 'gone' }) => {
        const observation = observe(pod);
        if (observation !== undefined) onChange(gone === undefined ? observation : { ...observation, state: gone });
        trim(pod);
      };
      return watchPods({
        config,
        selector,
        list: () => core.listPodForAllNamespaces({ labelSelector: selector }, withTimeout()),
        onPod: (pod) => tell(pod),
        onGone: (pod) => tell(pod, { phase: 'gone' }),
        onError: (error) => onError(podError('Watching pods', error)),
      });
    },
  };
}

/** The informer keeps every pod while it is there, ten kilobytes each: what is needed of it later is who it is. */
function trim(pod: V1Pod): void {
  delete pod.spec;
  delete pod.metadata?.managedFields;
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
