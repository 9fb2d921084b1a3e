import { PatchStrategy, setHeaderOptions, Watch } from '@kubernetes/client-node';
import { expect, it } from 'vitest';
import { type ClusterAccess, codeOf, podOf, refusalOf, until } from './cluster-access.ts';

const withType = (type: PatchStrategy) => setHeaderOptions('Content-Type', type);

/**
 * Objects: creating, reading, listing, watching, patching, deleting.
 * @param isVersionOneForgotten a real cluster forgets old versions after minutes only
 */
export function apiCases(
  get: () => ClusterAccess,
  { isVersionOneForgotten }: { readonly isVersionOneForgotten: boolean },
): void {
  const configMap = async (name: string, data: Record<string, string>, labels: Record<string, string> = {}) => {
    const { core, namespace } = get();
    return core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels }, data } });
  };

  it('refuses a second object of a name, an unknown one and an invalid one', async () => {
    const { core, namespace, create, read } = bound(get());
    await configMap('taken', {});
    expect(await refusalOf(configMap('taken', {}))).toMatchObject({ code: 409, reason: 'AlreadyExists' });
    expect(await refusalOf(read('nobody'))).toMatchObject({ code: 404, reason: 'NotFound' });
    expect(await refusalOf(create(podOf('Bad_Name', 'true')))).toMatchObject({ code: 422, reason: 'Invalid' });
    const noContainer = { metadata: { name: 'empty' }, spec: { containers: [] } };
    const refusal = await refusalOf(create(noContainer));
    expect(refusal.code).toBe(422);
    expect(refusal.message).toContain('spec.containers');
    const body = { metadata: { name: 'x' }, data: {} };
    expect(await codeOf(core.createNamespacedConfigMap({ namespace: `${namespace}-none`, body }))).toBe(404);
  });

  it('makes names from generateName', async () => {
    const { core, namespace } = get();
    const body = { metadata: { generateName: 'made-' } };
    const made = await Promise.all([1, 2].map(() => core.createNamespacedConfigMap({ namespace, body })));
    const names = made.map(({ metadata }) => metadata?.name ?? '');
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^made-[a-z0-9]{5}$/);
  });

  it('lists by labels, fields and pages', async () => {
    const { core, namespace } = get();
    for (const name of ['page-a', 'page-b', 'page-c']) await configMap(name, {}, { set: 'pages', is: name });
    const list = (query: object) => core.listNamespacedConfigMap({ namespace, labelSelector: 'set=pages', ...query });
    const namesOf = (answer: Awaited<ReturnType<typeof list>>) => answer.items.map(({ metadata }) => metadata?.name);
    expect(namesOf(await list({}))).toEqual(['page-a', 'page-b', 'page-c']);
    expect(namesOf(await list({ labelSelector: 'set=pages,is notin (page-a),is' }))).toEqual(['page-b', 'page-c']);
    expect(namesOf(await list({ fieldSelector: 'metadata.name=page-b' }))).toEqual(['page-b']);
    const first = await list({ limit: 2 });
    expect(namesOf(first)).toEqual(['page-a', 'page-b']);
    const second = await list({ limit: 2, _continue: first.metadata?._continue });
    expect(namesOf(second)).toEqual(['page-c']);
    expect(second.metadata?._continue ?? '').toBe('');
    expect(await codeOf(list({ fieldSelector: 'data.x=1' }))).toBe(400);
  });

  it('refuses a write that was decided on an old version', async () => {
    const { core, namespace } = get();
    const old = await configMap('versions', { a: '1' });
    const replace = (body: object) => core.replaceNamespacedConfigMap({ namespace, name: 'versions', body });
    const next = await replace({ ...old, data: { a: '2' } });
    expect(Number(next.metadata?.resourceVersion)).toBeGreaterThan(Number(old.metadata?.resourceVersion));
    expect(await refusalOf(replace({ ...old, data: { a: '3' } }))).toMatchObject({ code: 409, reason: 'Conflict' });
    const same = await replace({ ...next });
    expect(same.metadata?.resourceVersion).toBe(next.metadata?.resourceVersion);
  });

  it('takes JSON, merge and strategic patches', async () => {
    const { core, namespace } = get();
    await configMap('patched', { a: '1', b: '2' });
    const patch = (body: object, type: PatchStrategy) =>
      core.patchNamespacedConfigMap({ namespace, name: 'patched', body }, withType(type));
    expect((await patch({ data: { a: null, c: '3' } }, PatchStrategy.MergePatch)).data).toEqual({ b: '2', c: '3' });
    const operations = [
      { op: 'test', path: '/data/b', value: '2' },
      { op: 'replace', path: '/data/b', value: '4' },
    ];
    expect((await patch(operations, PatchStrategy.JsonPatch)).data).toEqual({ b: '4', c: '3' });
    expect(await codeOf(patch(operations, PatchStrategy.JsonPatch))).toBe(422);
    const finalizers = (names: string[]) =>
      patch({ metadata: { finalizers: names } }, PatchStrategy.StrategicMergePatch);
    await finalizers(['test.dev/a']);
    expect((await finalizers(['test.dev/b'])).metadata?.finalizers?.toSorted()).toEqual(['test.dev/a', 'test.dev/b']);
    await patch({ metadata: { finalizers: null } }, PatchStrategy.MergePatch);
  });

  it('applies on the server: sets, drops what is no longer applied, tells conflicts, gives way to force', async () => {
    const { core, namespace } = get();
    const apply = (data: Record<string, string>, fieldManager: string, force = false) =>
      core.patchNamespacedConfigMap(
        {
          namespace,
          name: 'applied',
          fieldManager,
          force,
          body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data },
        },
        withType(PatchStrategy.ServerSideApply),
      );
    expect((await apply({ a: '1', b: '1' }, 'one')).data).toEqual({ a: '1', b: '1' });
    expect((await apply({ a: '1' }, 'one')).data).toEqual({ a: '1' });
    expect((await apply({ c: '1' }, 'two')).data).toEqual({ a: '1', c: '1' });
    expect(await codeOf(apply({ a: '2' }, 'two'))).toBe(409);
    expect((await apply({ a: '2', c: '1' }, 'two', true)).data).toEqual({ a: '2', c: '1' });
  });

  it('watches from a version on', async () => {
    const { config, core, namespace } = get();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const before = await core.listNamespacedConfigMap({ namespace });
    await configMap('watched', { a: '1' }, { watch: 'yes' });
    const seen: string[] = [];
    const query = { resourceVersion: before.metadata?.resourceVersion, labelSelector: 'watch=yes' };
    const stop = await new Watch(config).watch(
      path,
      query,
      (type, object) => seen.push(`${type} ${object.metadata?.name}`),
      () => undefined,
    );
    const patch = (body: object) =>
      core.patchNamespacedConfigMap({ namespace, name: 'watched', body }, withType(PatchStrategy.MergePatch));
    await patch({ data: { a: '2' } });
    await patch({ metadata: { labels: { watch: 'no' } } });
    await until(
      async () => seen,
      (all) => all.length >= 3,
    );
    stop.abort();
    expect(seen).toEqual(['ADDED watched', 'MODIFIED watched', 'DELETED watched']);
  });

  it.skipIf(!isVersionOneForgotten)('says so when a version to watch from is too old', async () => {
    const { config, namespace } = get();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const errors: number[] = [];
    const old = await new Watch(config).watch(
      path,
      { resourceVersion: '1' },
      (type, object) => {
        if (type === 'ERROR') errors.push(object.code);
      },
      (error: unknown) => {
        if (typeof error === 'object' && error !== null && 'statusCode' in error) errors.push(Number(error.statusCode));
      },
    );
    await until(
      async () => errors,
      (all) => all.length > 0,
    );
    old.abort();
    expect(errors[0]).toBe(410);
  });

  it('keeps an object until its last finalizer is gone', async () => {
    const { core, namespace } = get();
    const body = { metadata: { name: 'held', finalizers: ['test.dev/hold'] } };
    await core.createNamespacedConfigMap({ namespace, body });
    await core.deleteNamespacedConfigMap({ namespace, name: 'held' });
    const held = await core.readNamespacedConfigMap({ namespace, name: 'held' });
    expect(held.metadata?.deletionTimestamp).toBeDefined();
    await core.patchNamespacedConfigMap(
      { namespace, name: 'held', body: { metadata: { finalizers: null } } },
      withType(PatchStrategy.MergePatch),
    );
    expect(await codeOf(core.readNamespacedConfigMap({ namespace, name: 'held' }))).toBe(404);
  });

  it('deletes dependents with their owner, or lets them go', async () => {
    const { core, namespace } = get();
    const owned = async (name: string) => {
      const owner = await configMap(`${name}-owner`, {});
      const uid = owner.metadata?.uid ?? '';
      const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: `${name}-owner`, uid }];
      await core.createNamespacedConfigMap({
        namespace,
        body: { metadata: { name: `${name}-child`, ownerReferences } },
      });
    };
    const child = (name: string) => core.readNamespacedConfigMap({ namespace, name: `${name}-child` });
    await owned('both');
    await core.deleteNamespacedConfigMap({ namespace, name: 'both-owner' });
    await until(
      () => codeOf(child('both')),
      (code) => code === 404,
    );
    await owned('free');
    await core.deleteNamespacedConfigMap({ namespace, name: 'free-owner', propagationPolicy: 'Orphan' });
    await until(
      async () => (await child('free')).metadata?.ownerReferences ?? [],
      (owners) => owners.length === 0,
    );
    await owned('first');
    await core.deleteNamespacedConfigMap({ namespace, name: 'first-owner', propagationPolicy: 'Foreground' });
    await until(
      () => codeOf(core.readNamespacedConfigMap({ namespace, name: 'first-owner' })),
      (code) => code === 404,
    );
    expect(await codeOf(child('first'))).toBe(404);
  });

  it('deletes only what the preconditions name', async () => {
    const { core, namespace } = get();
    await configMap('certain', {});
    const wrong = core.deleteNamespacedConfigMap({
      namespace,
      name: 'certain',
      body: { preconditions: { uid: 'other' } },
    });
    expect(await codeOf(wrong)).toBe(409);
    expect(await codeOf(core.deleteNamespacedConfigMap({ namespace, name: 'certain' }))).toBe(200);
  });

  it('empties a namespace before it goes, and takes nothing new into it', async () => {
    const { core, namespace } = get();
    const name = `${namespace}-short`;
    await core.createNamespace({ body: { metadata: { name } } });
    await until(
      () => codeOf(core.readNamespacedServiceAccount({ namespace: name, name: 'default' })),
      (code) => code === 200,
    );
    const body = { metadata: { name: 'inside', finalizers: ['test.dev/hold'] } };
    await core.createNamespacedConfigMap({ namespace: name, body });
    await core.deleteNamespace({ name });
    expect(
      await codeOf(core.createNamespacedConfigMap({ namespace: name, body: { metadata: { name: 'late' } } })),
    ).toBe(403);
    await until(
      async () => (await core.readNamespacedConfigMap({ namespace: name, name: 'inside' })).metadata?.deletionTimestamp,
      (at) => at !== undefined,
    );
    await core.patchNamespacedConfigMap(
      { namespace: name, name: 'inside', body: { metadata: { finalizers: null } } },
      withType(PatchStrategy.MergePatch),
    );
    await until(
      () => codeOf(core.readNamespace({ name })),
      (code) => code === 404,
    );
  });

  it('counts pods and their requests against quotas', async () => {
    const { core, namespace } = get();
    const name = `${namespace}-quota`;
    await core.createNamespace({ body: { metadata: { name } } });
    await until(
      () => codeOf(core.readNamespacedServiceAccount({ namespace: name, name: 'default' })),
      (code) => code === 200,
    );
    const hard = { pods: '5', 'requests.cpu': '150m' };
    await core.createNamespacedResourceQuota({ namespace: name, body: { metadata: { name: 'all' }, spec: { hard } } });
    await until(
      async () => (await core.readNamespacedResourceQuota({ namespace: name, name: 'all' })).status?.used?.['pods'],
      (used) => used === '0',
    );
    const resources = { requests: { cpu: '100m' } };
    const make = (pod: string, options: object) =>
      core.createNamespacedPod({ namespace: name, body: podOf(pod, 'sleep 60', {}, options) });
    await make('first', { resources });
    expect(await refusalOf(make('second', { resources }))).toMatchObject({ code: 403, reason: 'Forbidden' });
    expect((await refusalOf(make('third', {}))).message).toContain('must specify');
    await core.deleteNamespace({ name });
  });
}

function bound(access: ClusterAccess) {
  return {
    core: access.core,
    namespace: access.namespace,
    create: access.create.bind(access),
    read: access.read.bind(access),
  };
}
