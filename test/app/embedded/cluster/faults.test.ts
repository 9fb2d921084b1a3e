import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterAccess, podOf, until } from '../../../contract/cluster-access.ts';
import { startTestCluster, type TestCluster } from './start.ts';

let test: TestCluster;
let access: ClusterAccess;
beforeAll(async () => {
  test = await startTestCluster();
  access = new ClusterAccess(test.config, 'default');
});
afterAll(() => test.close());

function processesOf(uid: string | undefined): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`).includes(uid ?? 'none');
    } catch {
      return false;
    }
  }).length;
}

describe('processes that do not want to end', () => {
  it('ends children that called setsid with their pod', async () => {
    const { pod, output } = await access.run(
      'setsid',
      'setsid sleep 311 & setsid sh -c "setsid sleep 312 & sleep 313" & sleep 0.2; echo over',
    );
    expect(output).toBe('over\n');
    expect(processesOf(pod.metadata?.uid)).toBe(0);
  });

  it('ends a pod whose children hold its output open', async () => {
    const { output } = await access.run('holds', 'sleep 314 & echo done');
    expect(output).toBe('done\n');
  });

  it('ends a bomb of forks', async () => {
    const bomb =
      'f() { for i in 1 2 3 4 5 6; do sh -c "sleep 315; sleep 316" & done; }; while :; do f; sleep 0.05; done';
    const pod = await access.create(podOf('bomb', `trap "" TERM; ${bomb}`));
    await until(
      async () => processesOf(pod.metadata?.uid),
      (count) => count > 60,
    );
    await access.core.deleteNamespacedPod({ namespace: 'default', name: 'bomb', gracePeriodSeconds: 1 });
    await access.gone('bomb');
    expect(processesOf(pod.metadata?.uid)).toBe(0);
  });

  it('gives a container no variable of its own process', async () => {
    process.env['CLUSTER_TEST_SECRET'] = 'hush';
    const { output } = await access.run('clean', 'env; echo "$HOME $TMPDIR"; ls "$HOME"');
    expect(output).not.toContain('CLUSTER_TEST_SECRET');
    expect(output).toContain('PATH=');
    expect(output).toContain(`HOME=${test.dataDir}/pods/`);
  });

  it('keeps a long line and bytes that are no text as they were', async () => {
    const { output } = await access.run(
      'long',
      'head -c 200000 /dev/zero | tr "\\0" x; echo; printf "\\303\\244 end\\n"',
    );
    expect(output).toBe(`${'x'.repeat(200_000)}\nä end\n`);
  });
});

describe('who may ask', () => {
  const ask = (
    path: string,
    options: { headers?: Record<string, string>; method?: string; body?: string },
  ): Promise<{ code: number; text: string }> => {
    const url = new URL(path, test.cluster.url);
    const ca = test.config.getCurrentCluster()?.caData ?? '';
    return new Promise((resolve, reject) => {
      const call = request(
        url,
        {
          method: options.method ?? 'GET',
          headers: options.headers ?? {},
          ca: Buffer.from(ca, 'base64').toString(),
          agent: false,
          servername: 'localhost',
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        },
      );
      call.on('error', reject);
      call.end(options.body);
    });
  };
  const authorized = (): Record<string, string> => ({ authorization: `Bearer ${test.config.getCurrentUser()?.token}` });

  it('lets nobody in without the token', async () => {
    expect(await ask('/api/v1/pods', {})).toMatchObject({ code: 401 });
    expect(await ask('/api/v1/pods', { headers: { authorization: 'Bearer nonsense' } })).toMatchObject({ code: 401 });
    expect(await ask('/version', {})).toMatchObject({ code: 401 });
    expect(await ask('/api/v1/pods', { headers: authorized() })).toMatchObject({ code: 200 });
  });

  it('does not take the tokens that it gives to pods', async () => {
    const token = await access.core.createNamespacedServiceAccountToken({
      name: 'default',
      namespace: 'default',
      body: { spec: { audiences: [], expirationSeconds: 600 } },
    });
    const authorization = `Bearer ${token.status?.token}`;
    expect(await ask('/api/v1/pods', { headers: { authorization } })).toMatchObject({ code: 401 });
  });

  it('lets no browser and no other host name act, whatever they know', async () => {
    expect(await ask('/api', { headers: { ...authorized(), origin: 'https://evil.test' } })).toMatchObject({
      code: 403,
    });
    expect(await ask('/api', { headers: { ...authorized(), 'sec-fetch-site': 'none' } })).toMatchObject({ code: 403 });
    expect(await ask('/api', { headers: { ...authorized(), host: 'evil.test' } })).toMatchObject({ code: 421 });
  });

  it('keeps its files to their owner', () => {
    for (const name of ['kubeconfig', 'access.json', 'identity.json', 'token-key.json', 'objects.db']) {
      expect(statSync(`${test.dataDir}/${name}`).mode & 0o777).toBe(0o600);
    }
    expect(statSync(test.dataDir).mode & 0o777).toBe(0o700);
  });

  it('refuses bodies that are too large, too deep, broken, or of another kind', async () => {
    const post = (body: string, headers: Record<string, string> = {}) =>
      ask('/api/v1/namespaces/default/configmaps', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorized(), ...headers },
        body,
      });
    expect(await post('x'.repeat(4 * 1024 * 1024))).toMatchObject({ code: 413 });
    expect(await post(`{"a":${'['.repeat(100_000)}`)).toMatchObject({ code: 400 });
    expect(await post('{"metadata":')).toMatchObject({ code: 400 });
    expect(await post('[]')).toMatchObject({ code: 400 });
    expect(await post('{"kind":"Pod","metadata":{"name":"x"}}')).toMatchObject({ code: 400 });
    expect(await post('k8s', { 'content-type': 'application/vnd.kubernetes.protobuf' })).toMatchObject({ code: 415 });
    expect(await post('{"metadata":{"name":"proto"},"__proto__":{"x":1},"data":{"constructor":"y"}}')).toMatchObject({
      code: 201,
    });
    expect(await ask('/api/v1/namespaces/default/pods/%E0%A4%A', { headers: authorized() })).toMatchObject({
      code: 400,
    });
    expect(await ask('/api/v1/namespaces/default/pods/..%2f..%2fx', { headers: authorized() })).toMatchObject({
      code: 404,
    });
  });

  it('says nothing of its inside, and logged no fault', () => {
    expect(test.faults).toEqual([]);
  });
});
