import { expect, it } from 'vitest';
import { type ClusterAccess, codeOf, podOf, until } from './cluster-access.ts';

/** Pods: running, ending, variables, volumes, logs. */
export function podCases(get: () => ClusterAccess): void {
  it('runs a pod to its end and keeps its output and exit code', async () => {
    const good = await get().run('good', 'echo out; echo err >&2');
    expect(good.pod.status?.phase).toBe('Succeeded');
    expect(good.output.split('\n').toSorted()).toEqual(['', 'err', 'out']);
    const bad = await get().run('bad', 'printf "no newline" >&2; exit 3');
    expect(bad).toMatchObject({ exitCode: 3, output: 'no newline' });
    expect(bad.pod.status?.phase).toBe('Failed');
    // A child of the first process, which no signal of its own kills.
    const killed = await get().run('killed', 'sh -c "kill -9 \\$\\$"; exit $?');
    expect(killed.exitCode).toBe(137);
  });

  it('gives variables of every source, expanded in their order', async () => {
    const access = get();
    const { core, namespace } = access;
    await core.createNamespacedConfigMap({
      namespace,
      body: { metadata: { name: 'env-map' }, data: { KEY: 'of-map' } },
    });
    await core.createNamespacedSecret({
      namespace,
      body: { metadata: { name: 'env-secret' }, stringData: { KEY: 'of-secret' } },
    });
    const { output } = await access.run(
      'variables',
      'echo "$NAME $NS $MAP $SECRET $P_KEY $JOINED $KEPT $LITERAL [$MISSING]"; echo "$0"',
      {},
      {
        command: [
          'sh',
          '-c',
          'echo "$NAME $NS $MAP $SECRET $P_KEY $JOINED $KEPT $LITERAL [$MISSING]"; echo "$0"',
          '$(NAME)!',
        ],
        envFrom: [
          { prefix: 'P_', configMapRef: { name: 'env-map' } },
          { configMapRef: { name: 'none', optional: true } },
        ],
        env: [
          { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'NS', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
          { name: 'MAP', valueFrom: { configMapKeyRef: { name: 'env-map', key: 'KEY' } } },
          { name: 'SECRET', valueFrom: { secretKeyRef: { name: 'env-secret', key: 'KEY' } } },
          { name: 'MISSING', valueFrom: { secretKeyRef: { name: 'env-secret', key: 'NONE', optional: true } } },
          { name: 'JOINED', value: '$(NAME)-$(MAP)' },
          { name: 'KEPT', value: '$(UNKNOWN)' },
          { name: 'LITERAL', value: '$$(NAME)' },
        ],
      },
    );
    expect(output).toBe(
      `variables ${namespace} of-map of-secret of-map variables-of-map $(UNKNOWN) $(NAME) []\nvariables!\n`,
    );
  });

  it('shares an emptyDir between init containers and containers, whose paths come by variables and workingDir', async () => {
    const access = get();
    const mount = {
      volumeMounts: [{ name: 'work', mountPath: '/mounted' }],
      env: [{ name: 'WORK', value: '/mounted' }],
    };
    await access.create(
      podOf('shared', '', {
        volumes: [{ name: 'work', emptyDir: {} }],
        initContainers: [
          {
            name: 'first',
            image: 'local/base:1',
            command: ['sh', '-c', 'mkdir "$WORK/in"; echo one > "$WORK/in/file"'],
            ...mount,
          },
        ],
        containers: [
          {
            name: 'writer',
            image: 'local/base:1',
            command: ['sh', '-c', 'cat file; echo two > "$WORK/two"'],
            workingDir: '/mounted/in',
            ...mount,
          },
          {
            name: 'reader',
            image: 'local/base:1',
            command: ['sh', '-c', 'while [ ! -f two ]; do sleep 0.1; done; cat two'],
            workingDir: '/sub',
            volumeMounts: [{ name: 'work', mountPath: '/sub' }],
          },
        ],
      }),
    );
    expect((await access.ended('shared')).status?.phase).toBe('Succeeded');
    expect(await access.log('shared', { container: 'writer' })).toBe('one\n');
    expect(await access.log('shared', { container: 'reader' })).toBe('two\n');
    expect(await codeOf(access.log('shared'))).toBe(400);
  });

  it('mounts config maps, secrets, the downward API and a token that names the pod', async () => {
    const access = get();
    const { core, namespace } = access;
    await core.createNamespacedConfigMap({
      namespace,
      body: { metadata: { name: 'vol-map' }, data: { a: 'A', b: 'B' } },
    });
    await core.createNamespacedSecret({
      namespace,
      body: { metadata: { name: 'vol-secret' }, stringData: { s: 'S' } },
    });
    const { output, pod } = await access.run(
      'volumes',
      'cat "$MAP/x" "$SECRET/s" "$ALL/name"; ls "$MAP"; echo; cat "$ALL/token"',
      {
        volumes: [
          { name: 'map', configMap: { name: 'vol-map', items: [{ key: 'a', path: 'x' }] } },
          { name: 'secret', secret: { secretName: 'vol-secret' } },
          {
            name: 'all',
            projected: {
              sources: [
                { serviceAccountToken: { audience: 'slipway', expirationSeconds: 600, path: 'token' } },
                { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
              ],
            },
          },
        ],
      },
      {
        volumeMounts: [
          { name: 'map', mountPath: '/etc/map' },
          { name: 'secret', mountPath: '/etc/secret' },
          { name: 'all', mountPath: '/var/run/all' },
        ],
        env: [
          { name: 'MAP', value: '/etc/map' },
          { name: 'SECRET', value: '/etc/secret' },
          { name: 'ALL', value: '/var/run/all' },
        ],
      },
    );
    const [head, , token = ''] = output.split('\n');
    expect(head).toBe('ASvolumesx');
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    expect(payload).toMatchObject({
      aud: ['slipway'],
      sub: `system:serviceaccount:${namespace}:default`,
      'kubernetes.io': {
        namespace,
        pod: { name: 'volumes', uid: pod.metadata?.uid },
        serviceaccount: { name: 'default' },
      },
    });
    expect(payload.exp - payload.iat).toBeGreaterThanOrEqual(600);
  });

  it('waits for a config map that is not there yet', async () => {
    const access = get();
    await access.create(
      podOf(
        'waiting',
        'echo "$X"',
        {},
        { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'late', key: 'x' } } }] },
      ),
    );
    await until(
      async () => (await access.read('waiting')).status?.containerStatuses?.[0]?.state?.waiting?.reason,
      (reason) => reason === 'CreateContainerConfigError',
    );
    expect(await codeOf(access.log('waiting'))).toBe(400);
    const { core, namespace } = access;
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'late' }, data: { x: 'now' } } });
    await access.ended('waiting');
    expect(await access.log('waiting')).toBe('now\n');
  });

  it('asks a deleted pod to end, and kills it when it does not', async () => {
    const access = get();
    await access.create(
      podOf('polite', 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.1; done', {
        terminationGracePeriodSeconds: 30,
      }),
    );
    await access.create(podOf('stubborn', 'trap "" TERM; echo up; while :; do sleep 0.1; done'));
    for (const name of ['polite', 'stubborn']) {
      await access.running(name);
      await until(
        () => access.log(name).catch(() => ''),
        (log) => log === 'up\n',
      );
    }
    const startedMs = Date.now();
    const { core, namespace } = access;
    const deleted = await core.deleteNamespacedPod({ namespace, name: 'polite' });
    expect(deleted.metadata?.deletionTimestamp).toBeDefined();
    await core.deleteNamespacedPod({ namespace, name: 'stubborn' });
    await access.gone('polite');
    await access.gone('stubborn');
    expect(Date.now() - startedMs).toBeLessThan(20_000);
  });

  it('ends a pod at its deadline', async () => {
    const { pod } = await get().run('late', 'sleep 60', { activeDeadlineSeconds: 1 });
    expect(pod.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
  });

  it('restarts what fails, counts it, and keeps the log of the run before', async () => {
    const access = get();
    const script =
      'if [ -f "$D/again" ]; then echo second; while [ ! -f "$D/end" ]; do sleep 0.1; [ "$(( i += 1 ))" -lt 40 ] || touch "$D/end"; done; else touch "$D/again"; echo first; exit 7; fi';
    await access.create(
      podOf(
        'again',
        script,
        { restartPolicy: 'OnFailure', volumes: [{ name: 'd', emptyDir: {} }] },
        {
          volumeMounts: [{ name: 'd', mountPath: '/d' }],
          env: [{ name: 'D', value: '/d' }],
        },
      ),
    );
    // Once it has ended again, the run before it may be cleared away.
    await until(
      () => access.read('again'),
      ({ status }) =>
        status?.containerStatuses?.[0]?.restartCount === 1 && status.containerStatuses[0].state?.running !== undefined,
    );
    expect(await access.log('again', { previous: true })).toBe('first\n');
    const pod = await access.ended('again');
    expect(pod.status?.phase).toBe('Succeeded');
    expect(pod.status?.containerStatuses?.[0]?.restartCount).toBe(1);
    expect(await access.log('again')).toBe('second\n');
  });

  it('reads the tail of a log, with times', async () => {
    const access = get();
    await access.run('tail', 'for i in 1 2 3 4 5; do echo line $i; done');
    expect(await access.log('tail', { tailLines: 2 })).toBe('line 4\nline 5\n');
    expect(await access.log('tail', { tailLines: 1, timestamps: true })).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z line 5\n$/);
    expect(await access.log('tail', { tailLines: 0 })).toBe('');
  });

  it('says when a command cannot be started', async () => {
    const { pod } = await get().run('nothing', '', {}, { command: ['/does/not/exist'] });
    expect(pod.status?.phase).toBe('Failed');
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 128,
      reason: 'StartError',
    });
  });

  it('refuses to change the spec of a pod', async () => {
    const access = get();
    await access.create(podOf('fixed', 'sleep 60'));
    const pod = await until(
      () => access.read('fixed'),
      ({ status }) => status?.phase === 'Running',
    );
    const { core, namespace } = access;
    const body = { ...pod, spec: { ...pod.spec, containers: [{ name: 'main', command: ['true'] }] } };
    expect(await codeOf(core.replaceNamespacedPod({ namespace, name: 'fixed', body }))).toBe(422);
    await core.deleteNamespacedPod({ namespace, name: 'fixed', gracePeriodSeconds: 0 });
    await access.gone('fixed');
  });
}
