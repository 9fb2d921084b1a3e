import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Kubectl, kubectlMissing } from './kubectl.ts';
import { startTestCluster, type TestCluster } from './start.ts';

const deployment = (image: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: sample, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: ${image}
          command: [sh, -c, 'echo serving; while true; do sleep 0.2; done']
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: sample }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`;

const pod = `
apiVersion: v1
kind: Pod
metadata: { name: counter, namespace: sample }
spec:
  restartPolicy: Never
  containers:
    - { name: main, image: busybox, command: [sh, -c, 'for n in 1 2 3 4 5; do echo line $n; sleep 0.2; done'] }
`;

describe.skipIf(kubectlMissing !== undefined)(`kubectl against the embedded cluster ${kubectlMissing ?? ''}`, () => {
  let running: TestCluster;
  let kubectl: Kubectl;

  beforeAll(async () => {
    running = await startTestCluster();
    kubectl = new Kubectl(running.dataDir, running.cluster.kubeconfig());
    await kubectl.give('{ apiVersion: v1, kind: Namespace, metadata: { name: sample } }', 'apply', '-f', '-');
  });
  afterAll(() => running.close());

  it('applies, waits for the rollout, and changes only what changed', async () => {
    expect(await kubectl.give(deployment('web:1'), 'apply', '-f', '-')).toContain('deployment.apps/web created');
    expect(await kubectl.run('rollout', 'status', 'deployment/web', '-n', 'sample', '--timeout=30s')).toContain(
      'successfully rolled out',
    );
    expect(await kubectl.give(deployment('web:1'), 'apply', '-f', '-')).toContain('deployment.apps/web unchanged');
    expect(await kubectl.give(deployment('web:2'), 'apply', '-f', '-')).toContain('deployment.apps/web configured');
    await kubectl.run('rollout', 'status', 'deployment/web', '-n', 'sample', '--timeout=30s');
    expect(await kubectl.run('rollout', 'history', 'deployment/web', '-n', 'sample')).toMatch(/^2\s/m);
    await kubectl.run('rollout', 'undo', 'deployment/web', '-n', 'sample');
    await kubectl.run('rollout', 'status', 'deployment/web', '-n', 'sample', '--timeout=30s');
    expect(
      await kubectl.run('get', 'deployment', 'web', '-n', 'sample', '-o', 'jsonpath={..containers[0].image}'),
    ).toBe('web:1');
  });

  it('gets as a table, wide and as YAML', async () => {
    expect(await kubectl.run('get', 'deployments', '-n', 'sample')).toMatch(/NAME\s+READY.*\nweb\s+2\/2/);
    expect(await kubectl.run('get', 'pods', '-n', 'sample', '-o', 'wide', '-l', 'app=web')).toContain('Running');
    expect(await kubectl.run('get', 'service', 'web', '-n', 'sample', '-o', 'yaml')).toContain('targetPort: 8080');
    expect(await kubectl.run('get', 'all', '-n', 'sample')).toContain('replicaset.apps/web-');
  });

  it('follows a log to its end and waits for a pod', async () => {
    await kubectl.give(pod, 'apply', '-f', '-');
    await kubectl.run('wait', '--for=condition=Ready', 'pod/counter', '-n', 'sample', '--timeout=20s').catch(() => '');
    expect(await kubectl.run('logs', '-f', 'counter', '-n', 'sample')).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n');
    expect(await kubectl.run('logs', '--tail=1', 'counter', '-n', 'sample')).toBe('line 5\n');
    expect(
      await kubectl.run(
        'wait',
        '--for=jsonpath={.status.phase}=Succeeded',
        'pod/counter',
        '-n',
        'sample',
        '--timeout=20s',
      ),
    ).toContain('condition met');
  });

  it.each([
    { words: ['exec', 'deploy/web', '--', 'true'], said: /not served by the embedded cluster.*`ps`/ },
    { words: ['attach', 'deploy/web'], said: /not served by the embedded cluster.*`kubectl logs -f`/ },
    { words: ['port-forward', 'deploy/web', '8080:80'], said: /not served by the embedded cluster.*node port/ },
    { words: ['debug', 'counter', '--image=busybox'], said: /not served by the embedded cluster.*`kubectl run`/ },
    { words: ['top', 'pods'], said: /Metrics API not available/ },
    { words: ['create', 'configmap', 'made'], said: /JSON and YAML, not .*--dry-run=client -o yaml/ },
  ])('says of $words.0 that it is not served, and what to do instead', async ({ words, said }) => {
    await expect(kubectl.run('-n', 'sample', ...words)).rejects.toThrow(said);
  });

  it('says of a kind it has not got that there is none', async () => {
    const job = '{ apiVersion: batch/v1, kind: CronJob, metadata: { name: nightly } }';
    await expect(kubectl.give(job, 'apply', '-f', '-')).rejects.toThrow(/no matches for kind "CronJob"/);
  });

  it('describes, and deletes with what hangs on it', async () => {
    const told = await kubectl.run('describe', 'deployment', 'web', '-n', 'sample');
    expect(told).toContain('2 desired');
    const described = await kubectl.run('describe', 'pod', 'counter', '-n', 'sample');
    expect(described).toContain('Exit Code:');
    expect(described).toMatch(/Events:(.|\n)*Started container main/);
    expect(await kubectl.run('describe', 'service', 'web', '-n', 'sample')).toMatch(/Endpoints: +127\.0\.0\.1:\d+/);
    expect(await kubectl.run('delete', 'deployment', 'web', '-n', 'sample')).toContain('deleted');
    expect(
      await kubectl
        .run('wait', '--for=delete', 'pod', '-l', 'app=web', '-n', 'sample', '--timeout=30s')
        .catch(() => ''),
    ).not.toContain('timed out');
    expect(await kubectl.run('get', 'pods', '-l', 'app=web', '-n', 'sample', '-o', 'name')).toBe('');
    await expect(kubectl.run('get', 'deployment', 'nothing', '-n', 'sample')).rejects.toThrow(/NotFound/);
  });
});
