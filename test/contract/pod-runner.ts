import {
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  NetworkingV1Api,
  PatchStrategy,
  SchedulingV1Api,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTenantSettings } from '../../app/tenant-settings.ts';
import { podName } from '../../engine/core/pod-name.ts';
import { kubernetesPodRunner } from '../../engine/kubernetes/pod-runner.ts';
import { TenantNamespaces } from '../../engine/kubernetes/tenant-namespaces.ts';
import { WayFinder } from '../../engine/kubernetes/ways.ts';
import type { AttemptPod, PodObservation, PodRunner } from '../../engine/ports/pod-runner.ts';
import { until } from './cluster-access.ts';

const settings = `
defaults:
  pools: { nowhere: { nodeSelector: { slipway.test/none: 'true' } } }
  largestStage: { cpu: 2, memory: 2Gi }
tenants:
  test:small: { quota: { pods: 1, cpu: 500m, memory: 1Gi } }
  test:pools:
    pools: { heavy: { quota: { pods: 1 } } }
    lanes: { feature: { pods: 2 } }
  test:deploys: { environments: { egress: { allow: [10.9.0.0/16] } } }
`;

/** Lets the commands start, and ends when they did. */
const agent = (commands: string) => `
printf '%s\\n' ${JSON.stringify(commands)} > "$SLIPWAY_CONTROL/start.new"; mv "$SLIPWAY_CONTROL/start.new" "$SLIPWAY_CONTROL/start"
trap 'exit 0' TERM
while ! grep -q '^[0-9]' "$SLIPWAY_CONTROL/exit" 2>/dev/null; do sleep 0.1; done
sleep 1.5
`;

/** What the engine relies on in a cluster that runs attempts: the stand-in and a real one have to behave like this. */
export function podRunnerContract(
  name: string,
  make: () => Promise<{ readonly config: KubeConfig; readonly close: () => Promise<void> }>,
): void {
  describe(`pod runner contract: ${name}`, { concurrent: true, timeout: 90_000 }, () => {
    const prefix = `contract-${Date.now().toString(36)}`;
    const runId = Date.now().toString(36);
    const made: TenantNamespaces[] = [];
    const errors: unknown[] = [];
    let config: KubeConfig;
    let core: CoreV1Api;
    let namespaces: TenantNamespaces;
    let seen: PodObservation[];
    let watching: { stop(): void };
    let close: () => Promise<void> = async () => undefined;

    const tenantNamespaces = (of = prefix) => {
      const fresh = new TenantNamespaces({
        config,
        prefix: of,
        settingsOf: readTenantSettings(settings, { path: 'settings', images: {}, poolSlots: 40 }),
        ways: new WayFinder({
          agents: { host: '127.0.0.1', port: 7301 },
          apiServer: { host: '127.0.0.1', port: 6443 },
          of: () => [{ host: '10.1.2.3', port: 443 }],
        }),
        onError: (error) => errors.push(error),
      });
      made.push(fresh);
      return fresh;
    };

    function runner(commands: string, of = namespaces): PodRunner {
      return kubernetesPodRunner({
        config,
        namespaces: of,
        settings: {
          agentEndpoint: '127.0.0.1:7301',
          agentImage: 'local/base:1',
          agentCommand: ['sh', '-c', agent(commands)],
          tenant: readTenantSettings(settings, { path: 'settings', images: {}, poolSlots: 40 }),
        },
        onError: (error) => errors.push(error),
      });
    }

    function pod(stage: string, facts: Partial<AttemptPod> = {}): AttemptPod {
      return {
        runId,
        stage,
        attempt: 1,
        tenant: 'test:one',
        podName: podName(runId, stage, 1),
        image: 'local/base:1',
        lane: 'main',
        pool: 'default',
        resources: { cpuMillicores: 50, memoryBytes: 64 * 2 ** 20 },
        timeoutMs: 60_000,
        ...facts,
      };
    }

    const statesOf = (stage: string) => seen.filter((each) => each.stage === stage).map(({ state }) => state);
    const last = (stage: string) => statesOf(stage).at(-1);
    const reaches = (stage: string, phase: PodObservation['state']['phase']) =>
      until(
        async () => last(stage),
        (state) => state?.phase === phase,
      );

    /** Until the quota is in force: one that the cluster has not counted yet holds nobody back. */
    const quotaCounts = (tenant: string, name: string, pods: number) =>
      until(
        () => core.readNamespacedResourceQuota({ name, namespace: namespaces.nameOf(tenant) }),
        ({ status }) => status?.used?.['pods'] === `${pods}`,
      );

    beforeAll(async () => {
      const cluster = await make();
      ({ config, close } = cluster);
      core = config.makeApiClient(CoreV1Api);
      namespaces = tenantNamespaces();
      seen = [];
      watching = runner('true').watch((observation) => {
        if (observation.runId === runId) seen.push(observation);
      });
    });
    afterAll(async () => {
      watching.stop();
      const { items } = await core.listNamespace({ labelSelector: 'app.kubernetes.io/managed-by=slipway' });
      for (const { metadata } of items)
        if (metadata?.name?.startsWith(prefix)) await core.deleteNamespace({ name: metadata.name });
      await close();
      expect(errors).toEqual([]);
    });

    it('runs an attempt once, however often it is asked to, and shows each step of it', async () => {
      const pods = runner('exit 0');
      await Promise.all([pods.start(pod('good')), pods.start(pod('good'))]);
      await pods.start(pod('good'));
      const { podName: own } = pod('good');
      const ended = await reaches('good', 'ended');
      expect(ended).toMatchObject({ cause: 'completed', exitCode: 0 });
      expect(statesOf('good').map(({ phase }) => phase)).toEqual(expect.arrayContaining(['waiting', 'running']));
      expect(seen.findLast(({ podName: told }) => told === own)).toMatchObject({ attempt: 1, tenant: 'test:one' });
      await pods.stop({ tenant: 'test:one', podName: own }, { graceMs: 1_000 });
      await reaches('good', 'gone');
      await pods.stop({ tenant: 'test:one', podName: own }, { graceMs: 1_000 });
    });

    it('tells how commands failed', async () => {
      await runner('exit 3').start(pod('bad'));
      expect(await reaches('bad', 'ended')).toMatchObject({ cause: 'command', exitCode: 3 });
    });

    it('tells that somebody deleted a pod, and lets it end by itself first', async () => {
      await runner('sleep 60').start(pod('deleted'));
      await reaches('deleted', 'running');
      const namespace = namespaces.nameOf('test:one');
      await core.deleteNamespacedPod({ namespace, name: pod('deleted').podName, gracePeriodSeconds: 5 });
      await reaches('deleted', 'gone');
      expect(statesOf('deleted')).toContainEqual(
        expect.objectContaining({ phase: 'leaving', cause: 'deleted', by: expect.any(Date) }),
      );
    });

    it('tells what a pod waits for that no node takes', async () => {
      await runner('true').start(pod('nowhere', { pool: 'nowhere' }));
      await until(
        async () => last('nowhere'),
        (state) => state?.phase === 'waiting' && state.reason !== undefined,
      );
      expect(last('nowhere')).toMatchObject({
        reason: expect.stringMatching(/no node takes it: .*affinity\/selector/),
        fix: expect.stringContaining('pool'),
      });
    });

    it('takes no more than the quota at once, nothing that never fits, and no stage larger than one may be', async () => {
      const pods = runner('sleep 60');
      const small = { tenant: 'test:small' };
      await pods.start(pod('first', small));
      await quotaCounts('test:small', 'slipway-stages', 1);
      const second = pod('second', small);
      await expect(pods.start(second)).rejects.toMatchObject({ code: 'exhausted' });
      const large = { cpuMillicores: 600, memoryBytes: 64 * 2 ** 20 };
      await expect(pods.start(pod('large', { ...small, resources: large }))).rejects.toMatchObject({ code: 'invalid' });
      const huge = { cpuMillicores: 100, memoryBytes: 3 * 2 ** 30 };
      await expect(pods.start(pod('huge', { resources: huge }))).rejects.toMatchObject({
        code: 'invalid',
        fix: expect.stringContaining('largestStage'),
      });
      await pods.stop({ tenant: 'test:small', podName: pod('first').podName }, { graceMs: 0 });
      await until(
        () =>
          pods.start(second).then(
            () => 'started',
            () => 'refused',
          ),
        (outcome) => outcome === 'started',
      );
    });

    it('holds pools and lanes to quotas of their own, and lets the others go on', async () => {
      const pods = runner('sleep 60');
      const of = { tenant: 'test:pools' };
      const heavy = { ...of, pool: 'heavy' };
      await pods.start(pod('heavy-1', heavy));
      await quotaCounts(of.tenant, 'slipway-pool-heavy', 1);
      // Whatever the lane.
      await expect(pods.start(pod('heavy-2', { ...heavy, lane: 'hotfix' }))).rejects.toMatchObject({
        code: 'exhausted',
        message: expect.stringContaining('slipway-pool-heavy'),
      });
      await pods.start(pod('feature-1', { ...of, lane: 'feature' }));
      await pods.start(pod('feature-2', { ...of, lane: 'feature' }));
      await quotaCounts(of.tenant, 'slipway-lane-feature', 2);
      await expect(pods.start(pod('feature-3', { ...of, lane: 'feature' }))).rejects.toMatchObject({
        code: 'exhausted',
        message: expect.stringContaining('slipway-lane-feature'),
      });
      await pods.start(pod('hotfix-1', { ...of, lane: 'hotfix' }));
      for (const stage of ['heavy-1', 'feature-1', 'feature-2', 'hotfix-1'])
        await pods.stop({ ...of, podName: pod(stage).podName }, { graceMs: 0 });
    });

    it('keeps what is deployed apart: services reach each other and the public, and no other tenant', async () => {
      const place = { tenant: 'test:deploys', repositoryId: '7', environment: 'production' };
      const own = tenantNamespaces(`${prefix}-env`);
      const namespace = await own.ensureEnvironment(place);
      expect(namespace).toBe(own.nameOfEnvironment(place));
      const first = own.writes;
      const network = config.makeApiClient(NetworkingV1Api);
      const policy = () => network.readNamespacedNetworkPolicy({ namespace, name: 'slipway-services' });
      const before = (await policy()).spec;
      expect(before).toMatchObject({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
      const [egress, ingress] = [JSON.stringify(before?.egress), JSON.stringify(before?.ingress)];
      expect(egress).toContain('10.9.0.0/16');
      // The Git host is the stages' business.
      expect(egress).not.toContain('10.1.2.3');
      const owner = (await core.readNamespace({ name: namespace })).metadata?.labels?.['slipway.dev/services-of'];
      for (const rules of [egress, ingress]) expect(rules).toContain(owner);
      expect(ingress).toContain('NotIn');
      await core.patchNamespace(
        { name: namespace, body: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } } },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
      );
      await network.deleteNamespacedNetworkPolicy({ namespace, name: 'slipway-services' });
      await own.repair();
      expect((await policy()).spec).toEqual(before);
      expect((await core.readNamespace({ name: namespace })).metadata?.labels).toMatchObject({
        'pod-security.kubernetes.io/enforce': 'restricted',
      });
      expect(own.writes).toBe(first + 2);
    });

    it('runs a proxy for a tenant that lists names, mends it, and removes it once none are listed', async () => {
      const apart = `${prefix}-names`;
      const keeper = (text: string) =>
        new TenantNamespaces({
          config,
          prefix: apart,
          settingsOf: readTenantSettings(text, { path: 'settings', images: {}, poolSlots: 40 }),
          ways: new WayFinder({
            agents: { host: '127.0.0.1', port: 7301 },
            apiServer: { host: '127.0.0.1', port: 6443 },
            of: () => [{ host: 'git.example', port: 443 }],
          }),
          proxyImage: 'local/base:1',
          onError: (error) => errors.push(error),
        });
      const own = keeper('defaults: { egress: { names: [registry.example] } }');
      const stages = await own.ensure('test:names');
      const namespace = `${apart}-egress`;
      const apps = config.makeApiClient(AppsV1Api);
      const proxies = async () => (await apps.listNamespacedDeployment({ namespace })).items;
      const [proxy] = await proxies();
      const name = proxy?.metadata?.name ?? '';
      expect(proxy?.spec?.template.spec?.containers[0]?.command).toEqual(
        expect.arrayContaining(['egress-proxy', '--name', 'registry.example', '--trusted', 'git.example:443']),
      );
      const network = config.makeApiClient(NetworkingV1Api);
      const policyOf = async (of: string, called: string) =>
        JSON.stringify((await network.readNamespacedNetworkPolicy({ namespace: of, name: called })).spec);
      expect(await policyOf(stages, 'slipway-stages')).not.toContain('0.0.0.0/0');
      expect(await policyOf(stages, 'slipway-stages')).toContain(name);
      expect(await policyOf(namespace, name)).toContain(stages);
      const first = own.writes;
      await own.repair();
      expect(own.writes).toBe(first);
      await core.deleteNamespacedService({ namespace, name });
      await own.repair();
      expect(own.writes).toBe(first + 1);
      await keeper('').ensure('test:names');
      expect(await proxies()).toEqual([]);
    });

    it('makes the namespace with all that is in it, writes nothing once it is so, and mends what was changed', async () => {
      const tenant = 'test:shape';
      // Apart from the tests beside this one, whose namespaces it would complete, and count that.
      const apart = `${prefix}-shape`;
      const own = tenantNamespaces(apart);
      const namespace = await own.ensure(tenant);
      const first = own.writes;
      expect(first).toBeGreaterThanOrEqual(5);
      await own.ensure(tenant);
      await own.repair();
      const again = tenantNamespaces(apart);
      await again.ensure(tenant);
      expect([own.writes, again.writes]).toEqual([first, 0]);

      const network = config.makeApiClient(NetworkingV1Api);
      const policy = () => network.readNamespacedNetworkPolicy({ namespace, name: 'slipway-stages' });
      const before = (await policy()).spec;
      expect(before).toMatchObject({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
      expect(before?.ingress ?? []).toEqual([]);
      expect(JSON.stringify(before?.egress)).toContain('10.1.2.3/32');
      const account = await core.readNamespacedServiceAccount({ namespace, name: 'default' });
      expect(account.automountServiceAccountToken).toBe(false);
      expect((await core.readNamespacedLimitRange({ namespace, name: 'slipway-stages' })).spec).toBeDefined();

      const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
      await core.patchNamespace(
        { name: namespace, body: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } } },
        merge,
      );
      await network.patchNamespacedNetworkPolicy(
        { namespace, name: 'slipway-stages', body: { spec: { ingress: [{}], egress: [{}] } } },
        merge,
      );
      await core.patchNamespacedServiceAccount(
        { namespace, name: 'default', body: { automountServiceAccountToken: true } },
        merge,
      );
      await core.deleteNamespacedResourceQuota({ namespace, name: 'slipway-stages' });
      await own.repair();
      expect((await policy()).spec).toEqual(before);
      expect((await core.readNamespace({ name: namespace })).metadata?.labels).toMatchObject({
        'pod-security.kubernetes.io/enforce': 'restricted',
      });
      expect(
        (await core.readNamespacedServiceAccount({ namespace, name: 'default' })).automountServiceAccountToken,
      ).toBe(false);
      expect((await core.readNamespacedResourceQuota({ namespace, name: 'slipway-stages' })).spec?.hard?.['pods']).toBe(
        '80',
      );
      expect(own.writes).toBe(first + 4);
    });

    it('ranks lanes, and lets none of them put out what runs', async () => {
      await namespaces.ensure('test:one');
      const { items } = await config.makeApiClient(SchedulingV1Api).listPriorityClass();
      const own = items.filter(({ metadata }) => metadata?.name?.startsWith('slipway-'));
      const values = Object.fromEntries(own.map(({ metadata, value }) => [metadata?.name, value]));
      expect(values['slipway-hotfix']).toBeGreaterThan(values['slipway-main'] ?? 0);
      expect(values['slipway-main']).toBeGreaterThan(values['slipway-feature'] ?? 0);
      expect(new Set(own.map(({ preemptionPolicy }) => preemptionPolicy))).toEqual(new Set(['Never']));
    });

    it('makes a namespace anew that somebody deleted', async () => {
      const own = tenantNamespaces();
      const pods = runner('sleep 60', own);
      const lost = { tenant: 'test:lost' };
      await pods.start(pod('before', lost));
      await core.deleteNamespace({ name: own.nameOf('test:lost') });
      await until(
        () =>
          pods.start(pod('after', lost)).then(
            () => 'started',
            () => 'refused',
          ),
        (outcome) => outcome === 'started',
      );
      await reaches('after', 'running');
    });
  });
}
