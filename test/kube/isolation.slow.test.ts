import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { CoreV1Api, type KubeConfig } from '@kubernetes/client-node';
import { Agent as UndiciAgent, fetch as undiciFetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTenantSettings } from '../../app/tenant-settings.ts';
import { podName } from '../../engine/core/pod-name.ts';
import { clusterGet, tokenIssuer } from '../../engine/kubernetes/cluster-fetch.ts';
import { podIdentity } from '../../engine/kubernetes/pod-identity.ts';
import { kubernetesPodRunner } from '../../engine/kubernetes/pod-runner.ts';
import { TenantNamespaces } from '../../engine/kubernetes/tenant-namespaces.ts';
import { WayFinder } from '../../engine/kubernetes/ways.ts';
import type { AttemptPod } from '../../engine/ports/pod-runner.ts';
import { until } from '../contract/cluster-access.ts';
import { kubectl, kubectlMeanwhile, machineAddress, realClusterMissing, startRealCluster } from './real-cluster.ts';

const metadataAddress = '169.254.169.254';
/** Stands for all public ones: this machine answers for it, and nobody else here does. */
const publicAddress = '11.22.33.44';
const listed = '10.99.1.1';
const settings = `
defaults:
  egress: { dns: [${machineAddress}/32], allow: [${listed}/32] }
`;
const tenant = readTenantSettings(settings, { path: 'settings', images: {}, poolSlots: 40 });

/** Lets the commands start, and prints what they printed and how they ended, for the test to read. */
const agent = (commands: string) => `
cat >"$SLIPWAY_CONTROL/start.new" <<'COMMANDS'
${commands}
COMMANDS
mv "$SLIPWAY_CONTROL/start.new" "$SLIPWAY_CONTROL/start"
while ! grep -q '^[0-9]' "$SLIPWAY_CONTROL/exit" 2>/dev/null; do sleep 0.1; done
echo "token $(cat "$SLIPWAY_AGENT_TOKEN_FILE")"
cat "$SLIPWAY_CONTROL/output"
echo "exit $(head -n 1 "$SLIPWAY_CONTROL/exit")"
`;

describe.skipIf(realClusterMissing !== undefined)(
  `isolation on a real cluster${realClusterMissing === undefined ? '' : ` (skipped: ${realClusterMissing})`}`,
  { timeout: 120_000 },
  () => {
    const prefix = `isolation-${Date.now().toString(36)}`;
    const open = `${prefix}-open`;
    const runId = Date.now().toString(36);
    const servers: Server[] = [];
    const ports: Record<'agents' | 'host' | 'store', number> = { agents: 0, host: 0, store: 0 };
    let config: KubeConfig;
    let core: CoreV1Api;
    let namespaces: TenantNamespaces;

    async function listen(address: string): Promise<number> {
      const server = createServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nhello\n'));
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, address, resolve));
      const bound = server.address();
      if (bound === null || typeof bound === 'string') throw new Error('The server has no port');
      return bound.port;
    }

    const addresses = [metadataAddress, publicAddress, listed];
    const address = (verb: 'add' | 'del', of: string) => {
      try {
        execFileSync('ip', ['address', verb, `${of}/32`, 'dev', 'lo'], { stdio: 'pipe' });
      } catch (error) {
        if (!/exists|already assigned|Cannot assign/.test(String(error))) throw error;
      }
    };

    beforeAll(async () => {
      ({ config } = startRealCluster());
      core = config.makeApiClient(CoreV1Api);
      for (const each of addresses) address('add', each);
      for (const key of ['agents', 'host', 'store'] as const) ports[key] = await listen('0.0.0.0');
      namespaces = new TenantNamespaces({
        config,
        prefix,
        settingsOf: tenant,
        ways: new WayFinder({
          agents: { host: machineAddress, port: ports.agents },
          apiServer: { host: '127.0.0.1', port: 6443 },
          of: (id) => (id === 'test:one' ? [{ host: machineAddress, port: ports.host }] : []),
        }),
        onError: (error) => {
          throw error;
        },
      });
      kubectl('create', 'namespace', open);
    }, 120_000);
    afterAll(async () => {
      for (const server of servers) server.close();
      for (const each of addresses) address('del', each);
      const all = kubectl('get', 'namespace', '-o', 'name').split('\n');
      kubectl('delete', '--wait=false', ...all.filter((name) => name.startsWith(`namespace/${prefix}`)));
    });

    const one = 'test:one';
    const two = 'test:two';
    const namespaceOf = (id: string) => namespaces.nameOf(id);

    async function start(stage: string, commands: string, facts: Partial<AttemptPod> = {}): Promise<AttemptPod> {
      const pod: AttemptPod = {
        runId,
        stage,
        attempt: 1,
        tenant: one,
        podName: podName(runId, stage, 1),
        image: 'docker.io/local/base:1',
        lane: 'feature',
        pool: 'default',
        resources: { cpuMillicores: 50, memoryBytes: 64 * 2 ** 20 },
        timeoutMs: 60_000,
        ...facts,
      };
      const runner = kubernetesPodRunner({
        config,
        namespaces,
        settings: {
          agentEndpoint: `${machineAddress}:${ports.agents}`,
          agentImage: 'docker.io/local/base:1',
          agentCommand: ['sh', '-c', agent(commands)],
          tenant,
        },
        onError: (error) => {
          throw error;
        },
      });
      await runner.start(pod);
      return pod;
    }

    /** Runs a stage's commands to their end. @returns the agent's log: its token, their output, their exit */
    async function run(stage: string, commands: string, facts: Partial<AttemptPod> = {}): Promise<string> {
      const { podName: name, tenant: of } = await start(stage, commands, facts);
      const namespace = namespaceOf(of);
      await until(
        () => core.readNamespacedPod({ namespace, name }),
        ({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed',
      );
      return core.readNamespacedPodLog({ namespace, name, container: 'agent' });
    }

    /** One line for each place: whether something answered there. */
    const reach = (places: Readonly<Record<string, string>>) =>
      Object.entries(places)
        .map(
          ([name, url]) =>
            `(if curl -ks -o /dev/null --max-time 3 ${url}; then echo "${name} reached"; else echo "${name} shut"; fi) &`,
        )
        .concat('wait')
        // Who enforces policies does so a moment after a pod has its address; stages fetch their source meanwhile.
        .toSpliced(0, 0, 'sleep 5')
        .join('\n');

    it('lets a stage reach what it needs, and nothing of the cluster, of others, or of the machine', async () => {
      const serve = 'mkdir -p /tmp/w; echo secret > /tmp/w/index.html; exec busybox httpd -f -p 8080 -h /tmp/w';
      const victim = await start('victim', serve.replaceAll('/tmp/w', 'w'), { tenant: two });
      kubectl(
        'run',
        'unbound',
        '-n',
        open,
        '--image=docker.io/local/base:1',
        '--quiet',
        '--command',
        '--',
        'sh',
        '-c',
        serve,
      );
      const addressOf = async (namespace: string, name: string) => {
        const { status } = await until(
          () => core.readNamespacedPod({ namespace, name }),
          (pod) => pod.status?.phase === 'Running' && pod.status.podIP !== undefined,
        );
        return status?.podIP ?? '';
      };
      const victimAddress = await addressOf(namespaceOf(two), victim.podName);
      const unboundAddress = await addressOf(open, 'unbound');
      const needed = {
        agents: `http://${machineAddress}:${ports.agents}/`,
        'git host': `http://${machineAddress}:${ports.host}/`,
        public: `http://${publicAddress}:${ports.store}/`,
        listed: `http://${listed}:${ports.store}/`,
      };
      const barred = {
        'pod of others': `http://${unboundAddress}:8080/`,
        'API server': 'https://10.43.0.1/',
        'API server on the node': `https://${machineAddress}:6443/`,
        kubelet: `https://${machineAddress}:10250/`,
        registry: `http://${machineAddress}:5000/v2/`,
        store: `http://${machineAddress}:${ports.store}/`,
        metadata: `http://${metadataAddress}:${ports.store}/`,
      };
      const script = reach({ ...needed, ...barred });
      // All of it answers to a pod that no policy binds, or the test would show nothing.
      const control = ['run', 'control', '-n', open, '--image=docker.io/local/base:1', '--restart=Never', '--quiet'];
      kubectl(...control, '--command', '--', 'sh', '-c', script);
      const ofVictim = ['exec', victim.podName, '-n', namespaceOf(two), '-c', 'stage', '--', 'curl', '-s'];
      expect(kubectl(...ofVictim, '--retry', '9', '--retry-connrefused', 'http://127.0.0.1:8080/')).toBe('secret\n');
      const otherTenant = reach({ 'other tenant': `http://${victimAddress}:8080/` });
      const reached = await run(
        'reach',
        `${script}\n${otherTenant}\nfor try in 1 2 3 4 5; do nslookup kubernetes.default.svc.cluster.local >/dev/null && echo "name found" && break; sleep 1; done`,
      );
      await until(
        () => core.readNamespacedPod({ namespace: open, name: 'control' }),
        (pod) => pod.status?.phase === 'Succeeded',
      );
      const free = await core.readNamespacedPodLog({ namespace: open, name: 'control' });
      for (const name of Object.keys({ ...needed, ...barred })) expect(free).toContain(`${name} reached`);
      for (const name of Object.keys(needed)) expect(reached).toContain(`${name} reached`);
      for (const name of Object.keys(barred)) expect(reached).toContain(`${name} shut`);
      expect(reached).toContain('other tenant shut');
      expect(reached).toContain('name found');
      expect(await run('other-host', reach({ 'git host of others': needed['git host'] }), { tenant: two })).toContain(
        'git host of others shut',
      );
    });

    it('lets what a tenant deploys reach its own services, and neither others nor the cluster', async () => {
      const place = (tenantId: string, environment: string) =>
        namespaces.ensureEnvironment({ tenant: tenantId, repositoryId: '1', environment });
      const places = {
        caller: await place(one, 'staging'),
        sibling: await place(one, 'production'),
        stranger: await place(two, 'production'),
      };
      const serve = 'mkdir -p /tmp/w; echo served > /tmp/w/index.html; exec busybox httpd -f -p 8080 -h /tmp/w';
      const service = (name: string, namespace: string) =>
        core.createNamespacedPod({
          namespace,
          body: {
            metadata: { name },
            spec: {
              securityContext: { runAsNonRoot: true, runAsUser: 1_000, seccompProfile: { type: 'RuntimeDefault' } },
              containers: [
                {
                  name: 'main',
                  image: 'docker.io/local/base:1',
                  command: ['sh', '-c', serve],
                  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
                },
              ],
            },
          },
        });
      await Promise.all(Object.entries(places).map(([name, namespace]) => service(name, namespace)));
      kubectl(
        ...['run', 'ingress-controller', '-n', open, '--image=docker.io/local/base:1', '--quiet'],
        ...['--command', '--', 'sleep', '600'],
      );
      const addressOf = async (name: string, namespace: string) => {
        const { status } = await until(
          () => core.readNamespacedPod({ namespace, name }),
          (pod) => pod.status?.phase === 'Running' && pod.status.podIP !== undefined,
        );
        return status?.podIP ?? '';
      };
      const [, sibling, stranger] = await Promise.all(
        Object.entries(places).map(([name, namespace]) => addressOf(name, namespace)),
      );
      await addressOf('ingress-controller', open);
      // Not waited for idly: the servers that are tried live in this process, and would not answer meanwhile.
      const from = (name: string, namespace: string, script: string) =>
        kubectlMeanwhile('exec', name, '-n', namespace, '--', 'sh', '-c', script);
      const script = reach({
        sibling: `http://${sibling}:8080/`,
        public: `http://${publicAddress}:${ports.store}/`,
        stranger: `http://${stranger}:8080/`,
        'API server': 'https://10.43.0.1/',
        metadata: `http://${metadataAddress}:${ports.store}/`,
        store: `http://${machineAddress}:${ports.store}/`,
      });
      // Services have no agent that waits for their policies; those of three new namespaces may take a while.
      const seen = await until(
        async () => from('caller', places.caller, script),
        (text) => text.includes('API server shut') && text.includes('sibling reached'),
      );
      for (const name of ['sibling', 'public']) expect(seen).toContain(`${name} reached`);
      for (const name of ['stranger', 'API server', 'metadata', 'store']) expect(seen).toContain(`${name} shut`);
      // Who is no tenant's reaches both: policies bar tenants, not the way in.
      const both = reach({ sibling: `http://${sibling}:8080/`, stranger: `http://${stranger}:8080/` });
      const outside = await from('ingress-controller', open, both);
      for (const name of ['sibling', 'stranger']) expect(outside).toContain(`${name} reached`);
    });

    it('gives a stage no token, and its agent one that is good for that pod at Slipway alone', async () => {
      const stage = await run(
        'tokens',
        'ls -d /var/run/secrets/kubernetes.io /slipway/token 2>&1 || true; env; cat /proc/*/environ 2>/dev/null | tr "\\0" "\\n" | sort -u || true',
      );
      expect(stage.match(/No such file/g)).toHaveLength(2);
      expect(stage).not.toContain('SLIPWAY_AGENT_TOKEN_FILE');
      const other = await run('tokens', 'true', { tenant: two });
      const tokenIn = (log: string) => /^token (\S+)$/m.exec(log)?.[1] ?? '';
      const identify = podIdentity({
        issuer: await tokenIssuer(config),
        loadKeys: () => clusterGet(config, '/openid/v1/jwks'),
      });
      const name = podName(runId, 'tokens', 1);
      // The same pod name in two tenants: each is told apart by its namespace.
      expect(await identify(tokenIn(stage))).toEqual({ namespace: namespaceOf(one), podName: name });
      expect(await identify(tokenIn(other))).toEqual({ namespace: namespaceOf(two), podName: name });
      const [head, body, signature] = tokenIn(stage).split('.');
      const claims: object = JSON.parse(Buffer.from(body ?? '', 'base64url').toString());
      const forged = Buffer.from(
        JSON.stringify({ ...claims, 'kubernetes.io': { namespace: namespaceOf(two), pod: { name, uid: 'x' } } }),
      ).toString('base64url');
      await expect(identify(`${head}.${forged}.${signature}`)).rejects.toMatchObject({ code: 'denied' });
      const apiToken = kubectl('create', 'token', 'default', '-n', namespaceOf(one)).trim();
      await expect(identify(apiToken)).rejects.toMatchObject({ code: 'denied' });
      // The right audience, and no pod that it is for.
      const unbound = kubectl('create', 'token', 'default', '--audience=slipway', '-n', namespaceOf(one)).trim();
      await expect(identify(unbound)).rejects.toMatchObject({ code: 'denied' });
      const answer = await undiciFetch('https://127.0.0.1:6443/api/v1/namespaces', {
        headers: { authorization: `Bearer ${tokenIn(stage)}` },
        dispatcher: new UndiciAgent({ connect: { rejectUnauthorized: false } }),
      });
      expect(answer.status).toBe(401);
    });

    it('lets nobody be root, write outside of the workspace, or reach into the node', async () => {
      const log = await run(
        'root',
        'id -u; touch /etc/x 2>&1 || true; grep -i "^CapEff\\|^NoNewPrivs\\|^Seccomp:" /proc/self/status; chroot / true 2>&1 || true; mount -t tmpfs x /mnt 2>&1 || busybox mount -t tmpfs x /mnt 2>&1 || true; touch here && echo "workspace writable"',
      );
      expect(log).toContain('\n1000\n');
      expect(log).toMatch(/Read-only file system/);
      expect(log).toMatch(/CapEff:\s+0{16}/);
      expect(log).toMatch(/NoNewPrivs:\s+1/);
      expect(log).toMatch(/Seccomp:\s+2/);
      expect(log).toMatch(/mount: .*(permitted|denied|superuser|must be root)/i);
      expect(log).toContain('workspace writable');
      const container = { name: 'main', image: 'docker.io/local/base:1', command: ['true'] };
      const restricted = {
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      };
      const resources = { limits: { cpu: '50m', memory: '32Mi' } };
      const tries = {
        'host path': { volumes: [{ name: 'host', hostPath: { path: '/' } }] },
        'host network': { hostNetwork: true },
        'host processes': { hostPID: true },
        root: { containers: [{ ...container, resources, securityContext: { ...restricted, runAsUser: 0 } }] },
        privileged: { containers: [{ ...container, resources, securityContext: { privileged: true } }] },
        capabilities: {
          containers: [
            { ...container, resources, securityContext: { ...restricted, capabilities: { add: ['NET_ADMIN'] } } },
          ],
        },
      };
      for (const [what, spec] of Object.entries(tries)) {
        const body = {
          metadata: { name: 'intruder' },
          spec: { containers: [{ ...container, resources, securityContext: restricted }], ...spec },
        };
        // Also for who may do everything else in the cluster.
        await expect(core.createNamespacedPod({ namespace: namespaceOf(one), body }), what).rejects.toMatchObject({
          code: 403,
          body: expect.stringContaining('violates PodSecurity'),
        });
      }
    });

    it('lets a fork bomb and a memory hog hurt only themselves', async () => {
      const bomb = await start('bomb', 'b() { b | b & }; b; sleep 60');
      const hog = run('hog', 'x=0123456789abcdef; while :; do x=$x$x$x$x; done');
      const child = run('hog-child', 'sh -c "x=0123456789abcdef; while :; do x=\\$x\\$x\\$x\\$x; done"');
      expect(await hog).toContain('exit 137 oom');
      expect(await child).toContain('exit 137 oom');
      expect(await run('neighbour', 'echo fine')).toContain('exit 0');
      expect(await run('neighbour', 'echo fine', { tenant: two })).toContain('exit 0');
      const { status } = await core.readNode({ name: 'local' });
      const conditions = Object.fromEntries((status?.conditions ?? []).map(({ type, status: is }) => [type, is]));
      expect(conditions).toMatchObject({ Ready: 'True', MemoryPressure: 'False', PIDPressure: 'False' });
      await core.deleteNamespacedPod({ namespace: namespaceOf(one), name: bomb.podName, gracePeriodSeconds: 0 });
    });
  },
);
