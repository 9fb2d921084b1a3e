import { get } from 'node:http';
import type { V1Pod, V1Service } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ClusterAccess, codeOf, until } from '../../../contract/cluster-access.ts';
import { startTestCluster, type TestCluster } from './start.ts';

let test: TestCluster;
let access: ClusterAccess;
beforeAll(async () => {
  test = await startTestCluster();
  access = new ClusterAccess(test.config, 'default');
});
afterAll(() => test.close());

const program = `require('http').createServer((q, r) => r.end(process.env.NAME)).listen(process.env.PORT, '127.0.0.1')`;

function server(name: string, healthy: string): V1Pod {
  return {
    metadata: { name, labels: { app: 'web' } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'web',
          image: 'local/node:1',
          command: [process.execPath, '-e', program],
          ports: [{ name: 'http', containerPort: 8080 }],
          env: [
            { name: 'NAME', value: name },
            { name: 'PORT', value: '8080' },
          ],
          readinessProbe: { httpGet: { path: healthy, port: 'http' }, periodSeconds: 1 },
        },
      ],
    },
  };
}

/** Asks over a connection of its own: one that is kept would stay with its pod. */
function textOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = get(url, { agent: false }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    call.on('error', reject);
  });
}

const service: V1Service = {
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
};

it('passes connections to a Service on to its ready pods, each on a port of its own', { timeout: 30_000 }, async () => {
  const { core, namespace } = access;
  const made = await core.createNamespacedService({ namespace, body: service });
  const address = made.metadata?.annotations?.['slipway.dev/local-address'] ?? '';
  expect(address).toMatch(/^127\.0\.0\.1:3\d{4}$/);
  const ask = (): Promise<string> => textOf(`http://${address}/`);
  await expect(ask()).rejects.toThrow();
  for (const name of ['one', 'two']) await access.create(server(name, '/'));
  const isReady = (pod: V1Pod): boolean =>
    pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  for (const name of ['one', 'two']) await until(() => access.read(name), isReady);
  const answers = new Set(await Promise.all(Array.from({ length: 6 }, ask)));
  expect([...answers].toSorted()).toEqual(['one', 'two']);
  const endpoints = await until(
    () => core.readNamespacedEndpoints({ namespace, name: 'web' }),
    ({ subsets }) => subsets?.length === 2,
  );
  expect(new Set(endpoints.subsets?.map(({ ports }) => ports?.[0]?.port)).size).toBe(2);
  await core.deleteNamespacedPod({ namespace, name: 'one' });
  await access.gone('one');
  expect(new Set(await Promise.all(Array.from({ length: 4 }, ask)))).toEqual(new Set(['two']));
  await core.deleteNamespacedService({ namespace, name: 'web' });
  await until(
    () => codeOf(core.readNamespacedEndpoints({ namespace, name: 'web' })),
    (code) => code === 404,
  );
  await expect(ask()).rejects.toThrow();
});

it('restarts a container whose liveness probe fails', { timeout: 30_000 }, async () => {
  const livenessProbe = {
    exec: { command: ['sh', '-c', 'test "$(cat "$D/state")" = fine'] },
    periodSeconds: 1,
    failureThreshold: 1,
  };
  await access.create({
    metadata: { name: 'alive' },
    spec: {
      terminationGracePeriodSeconds: 0,
      volumes: [{ name: 'd', emptyDir: {} }],
      containers: [
        {
          name: 'main',
          command: [
            'sh',
            '-c',
            'if [ -f "$D/state" ]; then echo fine > "$D/state"; else echo ill > "$D/state"; fi; exec sleep 300',
          ],
          volumeMounts: [{ name: 'd', mountPath: '/d' }],
          env: [{ name: 'D', value: '/d' }],
          livenessProbe,
        },
      ],
    },
  });
  const pod = await until(
    () => access.read('alive'),
    ({ status }) =>
      (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0 && status?.containerStatuses?.[0]?.ready === true,
  );
  expect(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(143);
});
