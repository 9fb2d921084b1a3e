import { PatchStrategy, setHeaderOptions, type V1Deployment } from '@kubernetes/client-node';
import { expect, it } from 'vitest';
import { type ClusterAccess, codeOf, until } from './cluster-access.ts';

const withType = (type: PatchStrategy) => setHeaderOptions('Content-Type', type);

/** A deployment whose pods are ready after touching a file, or never. */
function deploymentOf(
  name: string,
  options: { readonly ready: 'soon' | 'never'; readonly version: string },
): V1Deployment {
  const script = `${options.ready === 'soon' ? 'touch "$D/ready"; ' : ''}echo ${options.version}; exec sleep 300`;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 2,
      progressDeadlineSeconds: 3,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '50%', maxUnavailable: 0 } },
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 0,
          volumes: [{ name: 'd', emptyDir: {} }],
          containers: [
            {
              name: 'main',
              image: 'local/base:1',
              command: ['sh', '-c', script],
              env: [{ name: 'D', value: '/d' }],
              volumeMounts: [{ name: 'd', mountPath: '/d' }],
              readinessProbe: { exec: { command: ['sh', '-c', 'test -f "$D/ready"'] }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  };
}

/** Deployments: rolling out, going on, failing, going back. */
export function workloadCases(get: () => ClusterAccess): void {
  const read = (name: string) => get().apps.readNamespacedDeployment({ namespace: get().namespace, name });
  const progressOf = ({ status }: V1Deployment) => status?.conditions?.find(({ type }) => type === 'Progressing');
  const isDone = (deployment: V1Deployment): boolean => {
    const { metadata, status, spec } = deployment;
    return (
      status?.observedGeneration === metadata?.generation &&
      status?.updatedReplicas === spec?.replicas &&
      status?.replicas === spec?.replicas &&
      status?.availableReplicas === spec?.replicas &&
      progressOf(deployment)?.reason === 'NewReplicaSetAvailable'
    );
  };

  it('rolls out, keeps enough pods ready on the way, tells a failed rollout, and goes back', {
    timeout: 180_000,
  }, async () => {
    const { apps, core, namespace } = get();
    const name = 'rolled';
    await apps.createNamespacedDeployment({ namespace, body: deploymentOf(name, { ready: 'soon', version: 'v1' }) });
    const first = await until(() => read(name), isDone);
    expect(first.metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('1');

    let least = Number.POSITIVE_INFINITY;
    const replace = async (options: { ready: 'soon' | 'never'; version: string }) => {
      const { spec } = deploymentOf(name, options);
      const body = { spec: { template: spec?.template } };
      return apps.patchNamespacedDeployment({ namespace, name, body }, withType(PatchStrategy.StrategicMergePatch));
    };
    const second = await replace({ ready: 'soon', version: 'v2' });
    expect(second.metadata?.generation).toBe((first.metadata?.generation ?? 0) + 1);
    await until(
      async () => {
        const deployment = await read(name);
        least = Math.min(least, deployment.status?.availableReplicas ?? 0);
        return deployment;
      },
      (deployment) => deployment.metadata?.generation === second.metadata?.generation && isDone(deployment),
    );
    expect(least).toBeGreaterThanOrEqual(2);
    const sets = await apps.listNamespacedReplicaSet({ namespace, labelSelector: `app=${name}` });
    expect(sets.items.map(({ spec }) => spec?.replicas).toSorted()).toEqual([0, 2]);

    await replace({ ready: 'never', version: 'v3' });
    const failed = await until(
      () => read(name),
      (deployment) => progressOf(deployment)?.reason === 'ProgressDeadlineExceeded',
    );
    expect(progressOf(failed)?.status).toBe('False');
    expect(failed.status?.availableReplicas).toBe(2);

    await replace({ ready: 'soon', version: 'v2' });
    const back = await until(() => read(name), isDone);
    expect(back.metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('4');
    await apps.deleteNamespacedDeployment({ namespace, name });
    await until(
      async () => (await core.listNamespacedPod({ namespace, labelSelector: `app=${name}` })).items.length,
      (left) => left === 0,
    );
  });

  it('scales, replaces a pod that was deleted, and stands still while paused', { timeout: 180_000 }, async () => {
    const { apps, core, namespace } = get();
    const name = 'scaled';
    const labelSelector = `app=${name}`;
    await apps.createNamespacedDeployment({ namespace, body: deploymentOf(name, { ready: 'soon', version: 'v1' }) });
    await until(() => read(name), isDone);
    const scale = await apps.readNamespacedDeploymentScale({ namespace, name });
    expect(scale).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 2, selector: labelSelector } });
    await apps.replaceNamespacedDeploymentScale({ namespace, name, body: { ...scale, spec: { replicas: 3 } } });
    await until(
      () => read(name),
      (deployment) => deployment.status?.availableReplicas === 3,
    );
    const pods = await core.listNamespacedPod({ namespace, labelSelector });
    const lost = pods.items[0]?.metadata?.name ?? '';
    await core.deleteNamespacedPod({ namespace, name: lost });
    await get().gone(lost);
    await until(
      () => read(name),
      (deployment) => deployment.status?.availableReplicas === 3,
    );

    const patch = (body: object) =>
      apps.patchNamespacedDeployment({ namespace, name, body }, withType(PatchStrategy.StrategicMergePatch));
    await patch({ spec: { paused: true } });
    const changed = await patch({ spec: { template: { metadata: { annotations: { change: '1' } } } } });
    await until(
      () => read(name),
      ({ status }) => status?.observedGeneration === changed.metadata?.generation,
    );
    const sets = () => apps.listNamespacedReplicaSet({ namespace, labelSelector });
    expect((await sets()).items).toHaveLength(1);
    await patch({ spec: { paused: false } });
    await until(() => read(name), isDone);
    expect((await sets()).items).toHaveLength(2);
    await apps.deleteNamespacedDeployment({ namespace, name, propagationPolicy: 'Foreground' });
    await until(
      () => codeOf(read(name)),
      (code) => code === 404,
    );
    expect((await core.listNamespacedPod({ namespace, labelSelector })).items).toHaveLength(0);
  });

  it('refuses a deployment whose selector is not its template, or changes', async () => {
    const { apps, namespace } = get();
    const body = deploymentOf('mismatch', { ready: 'soon', version: 'v1' });
    const selector = { matchLabels: { app: 'other' } };
    const wrong = { ...body, spec: { selector, template: body.spec?.template ?? { spec: { containers: [] } } } };
    expect(await codeOf(apps.createNamespacedDeployment({ namespace, body: wrong }))).toBe(422);
  });
}
