import type { ClusterAccess } from '../../engine/ports/cluster-access.ts';
import { EngineError } from '../../engine/ports/errors.ts';
import type { Check } from './finding.ts';

const subject = 'cluster';

/** Whether the cluster answers, and lets Slipway do what it has to. */
export function checkCluster(cluster: ClusterAccess): Check {
  const { server } = cluster;
  return {
    subject,
    async *run() {
      try {
        yield { subject, state: 'well', what: `Kubernetes ${await cluster.version()} answers at ${server}` };
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        const { code, why, fix } = error;
        const what =
          code === 'denied'
            ? `The cluster at ${server} does not let Slipway in`
            : `The cluster at ${server} does not answer`;
        yield { subject, state: 'broken', what, why, fix };
        return;
      }
      const missing = await cluster.missing();
      for (const { group, resource, verbs } of missing) {
        yield {
          subject,
          state: 'broken',
          what: `Slipway may not ${verbs.join(', ')} ${resource}${group === '' ? '' : ` of ${group}`}`,
          why: 'The cluster said so when it was asked (SelfSubjectAccessReview)',
          fix: "Grant it as the chart's access.yaml does: `helm upgrade` puts it there",
        };
      }
      if (missing.length === 0) yield { subject, state: 'well', what: 'Slipway may do there all that it has to' };
    },
  };
}
