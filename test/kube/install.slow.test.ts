import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appManifest } from '../../app/app-manifest.ts';
import { type EmbeddedGitHost, startEmbeddedGitHost } from '../../app/embedded/git-host/git-host.ts';
import type { WorkingCopy } from '../../app/embedded/working-copy.ts';
import { startDocumentdb } from '../contract/documentdb.ts';
import { PushedRuns } from './pushed-run.ts';
import {
  kubectl,
  machineAddress,
  realClusterMissing,
  removeSlipwayNamespaces,
  startRealCluster,
  toolsFolder,
} from './real-cluster.ts';
import { slipwayImage } from './slipway-image.ts';

const namespace = 'slipway-test-system';
const secret = 'a-secret-of-forty-characters-or-some-more';

const stage = (name: string, needs: string, seconds: number) =>
  `  ${name}:\n    image: node:24\n    needs: [${needs}]\n    resources: { cpu: 100m }\n    commands:\n      - sleep ${seconds}\n      - seq 1 200\n`;
/** Stands for public addresses: this machine answers for it, and nobody else here does. */
const publicAddress = '11.22.33.44';
/** What a stage may reach where names are listed, tried from its very first command on. */
const waysPipeline = (port: number) => {
  const get = 'curl -ks --max-time 5';
  const listed = `http://${publicAddress}:${port}/`;
  const commands = [
    `if ${get} --noproxy '*' https://$KUBERNETES_SERVICE_HOST/; then echo 'the API server answers'; exit 1; fi`,
    `test "$(${get} --retry 5 --retry-connrefused ${listed})" = hello`,
    `test "$(${get} --proxytunnel ${listed})" = hello`,
    `if ${get} --noproxy '*' ${listed}; then echo 'there is a way around the proxy'; exit 1; fi`,
    `${get} http://${publicAddress}:1/ | grep 'is not among the hosts that stages may reach'`,
    `${get} http://10.43.0.1/ | grep 'is not among the hosts that stages may reach'`,
  ];
  return `stages:\n  ways:\n    image: node:24\n    resources: { cpu: 100m }\n    commands: ${JSON.stringify(commands)}\n`;
};

const pipeline = `stages:\n${stage('a', '', 2)}${['b1', 'b2', 'b3', 'b4'].map((name) => stage(name, 'a', 6)).join('')}${stage('c', 'b1, b2, b3, b4', 1)}`;

describe.skipIf(realClusterMissing !== undefined)(
  `Slipway installed in a real cluster${realClusterMissing === undefined ? '' : ` (skipped: ${realClusterMissing})`}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-install-'));
    let host: EmbeddedGitHost;
    let database: Awaited<ReturnType<typeof startDocumentdb>>;
    let runs: PushedRuns;
    let copy: WorkingCopy;
    const listed = createServer((_, response) => response.end('hello'));
    let listedPort = 0;

    beforeAll(async () => {
      startRealCluster();
      const image = await slipwayImage();
      execFileSync(join(toolsFolder, 'install'), [folder, 'helm'], { stdio: 'ignore' });
      database = await startDocumentdb({ host: '0.0.0.0' });
      host = await startEmbeddedGitHost({
        dataDir: join(folder, 'git-host'),
        address: machineAddress,
        log: pino({ level: 'silent' }),
      });
      host.createUser('dev');
      host.createOrganization('acme', { admins: ['dev'] });
      await host.createRepository('acme', 'hello');
      writeFileSync(join(folder, 'developer-token'), host.createToken('dev'));
      const app = await host.registerApp({
        owner: 'acme',
        webhookUrl: 'http://127.0.0.1:9/',
        webhookSecret: secret,
        ...appManifest(),
      });
      host.installApp(app.slug, 'acme');
      removeInstalled();
      kubectl('create', 'namespace', namespace);
      kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
      const key = join(folder, 'key.pem');
      writeFileSync(key, app.privateKey);
      kubectl(
        ...['create', 'secret', 'generic', 'slipway', '-n', namespace],
        ...[`--from-literal=GITHUB_APP_ID=${app.appId}`, `--from-file=GITHUB_PRIVATE_KEY=${key}`],
        ...[`--from-literal=GITHUB_WEBHOOK_SECRET=${secret}`],
        ...[`--from-literal=SLIPWAY_API_TOKEN=${secret}`],
        `--from-literal=MONGODB_URI=${database.uri.replace('127.0.0.1', machineAddress)}`,
      );
      try {
        execFileSync('ip', ['address', 'add', `${publicAddress}/32`, 'dev', 'lo'], { stdio: 'pipe' });
      } catch (error) {
        if (!/exists|already assigned/.test(String(error))) throw error;
      }
      listedPort = await new Promise((resolve) => {
        listed.listen(0, '0.0.0.0', () => {
          const bound = listed.address();
          resolve(typeof bound === 'object' && bound !== null ? bound.port : 0);
        });
      });
      const values = {
        image,
        networkPolicies: 'enforced',
        publicUrl: 'https://slipway.example',
        ingress: { className: 'nginx', tlsSecretName: 'slipway-tls' },
        env: { GITHUB_API_URL: host.apiUrl, SLIPWAY_IMAGES: 'node:24=docker.io/local/node:1', SLIPWAY_TEAM_SLOTS: '8' },
        resources: { requests: { cpu: '50m', memory: '256Mi' } },
        // This cluster's name server is not in kube-system.
        settings: {
          defaults: {
            egress: { dns: [`${machineAddress}/32`], names: [`${publicAddress}:${listedPort}`] },
            quota: { pods: 20 },
          },
        },
      };
      writeFileSync(join(folder, 'values.json'), JSON.stringify(values));
      execFileSync(
        join(folder, 'helm'),
        [
          ...['install', 'slipway', join(import.meta.dirname, '../../charts/slipway'), '--namespace', namespace],
          ...['--values', join(folder, 'values.json'), '--wait', '--timeout', '90s'],
        ],
        { env: { ...process.env, KUBECONFIG: startRealCluster().kubeconfigPath }, stdio: 'pipe' },
      );
      const address = kubectl('get', 'service', 'slipway', '-n', namespace, '-o', 'jsonpath={.spec.clusterIP}');
      host.setWebhookUrl(app.slug, `http://${address}/webhooks/github`);
      runs = new PushedRuns(folder);
      copy = await runs.copy('copy');
    }, 240_000);
    afterAll(async () => {
      listed.close();
      execFileSync('ip', ['address', 'del', `${publicAddress}/32`, 'dev', 'lo'], { stdio: 'pipe' });
      await host.stop();
      database.stop();
      removeInstalled();
      removeSlipwayNamespaces();
      rmSync(folder, { recursive: true, force: true });
    });

    function removeInstalled(): void {
      kubectl('delete', 'namespace', namespace, '--ignore-not-found');
      for (const kind of [
        'clusterrole',
        'clusterrolebinding',
        'validatingadmissionpolicy',
        'validatingadmissionpolicybinding',
      ])
        kubectl('delete', kind, `${namespace}-slipway`, '--ignore-not-found');
    }

    it('makes green checks of a push, also when the leading replica is killed in the middle of the run', async () => {
      const sha = await copy.push('main', { '.slipway.yaml': pipeline }, 'first');
      await runs.until(sha, (checks) => checks.some(({ name, status }) => / b\d/.test(name) && status !== 'queued'));
      const leader = kubectl('logs', '-n', namespace, '-l', 'app.kubernetes.io/name=slipway', '--prefix')
        .split('\n')
        .find((line) => line.includes('This replica leads'));
      const pod = /pod\/([^/]+)/.exec(leader ?? '')?.[1];
      expect(pod).toBeDefined();
      kubectl('delete', 'pod', '-n', namespace, pod ?? '', '--grace-period=0', '--force');
      const checks = await runs.ended(sha, 6, 120_000);
      expect(Object.entries(checks).filter(([, { conclusion }]) => conclusion !== 'success')).toEqual([]);
    });

    it('leads stages through its own proxy to listed hosts alone, from their first command on', async () => {
      const sha = await copy.push('main', { '.slipway.yaml': waysPipeline(listedPort) }, 'ways');
      const checks = await runs.ended(sha, 1, 120_000);
      expect(Object.values(checks).map(({ conclusion, summary }) => [conclusion, summary])).toEqual([
        ['success', expect.anything()],
      ]);
      const refused = kubectl('logs', '-n', 'slipway-egress', '-l', 'app.kubernetes.io/part-of=slipway', '--tail=-1');
      expect(refused).toContain('10.43.0.1:80 is not among the hosts');
    });

    it('is let through at its public address', () => {
      const ingress = kubectl('get', 'ingress', 'slipway', '-n', namespace, '-o', 'jsonpath={.spec.rules[0].host}');
      expect(ingress).toBe('slipway.example');
    });

    it('may do what it needs and nothing else', () => {
      const may = kubectl('auth', 'can-i', '--list', `--as=system:serviceaccount:${namespace}:slipway`, '-n', 'default')
        .split('\n')
        .slice(1)
        .filter((line) => !/selfsubject|^\s|^selfsubjectreviews/.test(line))
        .map((line) => line.replaceAll(/\s+/g, ' ').trim())
        .filter((line) => line !== '')
        .sort();
      expect(may).toEqual([
        'deployments.apps [] [] [get create patch delete]',
        'limitranges [] [] [get list create patch]',
        'namespaces [] [] [get list create patch]',
        'networkpolicies.networking.k8s.io [] [] [get list create patch]',
        'pods [] [] [list watch create delete]',
        'priorityclasses.scheduling.k8s.io [] [] [get create patch]',
        'resourcequotas [] [] [get list create patch]',
        'serviceaccounts [] [] [get list create patch]',
        'services [] [] [get create patch]',
      ]);
    });

    it('may do that nowhere but in its own namespaces', () => {
      const asSlipway =
        (...words: readonly string[]) =>
        () =>
          kubectl(...words, `--as=system:serviceaccount:${namespace}:slipway`, '--dry-run=server');
      for (const place of ['default', 'kube-system', namespace])
        expect(asSlipway('create', 'service', 'clusterip', 'intruder', '--tcp=80', '-n', place)).toThrow(
          /Slipway writes only into namespaces of its own/,
        );
      expect(asSlipway('run', 'intruder', '--image=local/base:1', '-n', 'kube-system')).toThrow(/Slipway writes only/);
      for (const name of ['kube-system', 'default'])
        expect(asSlipway('label', 'namespace', name, 'pod-security.kubernetes.io/enforce=privileged')).toThrow(
          /Slipway writes only/,
        );
      expect(asSlipway('create', 'namespace', 'somebody')).toThrow(/Slipway writes only/);
      expect(asSlipway('create', 'priorityclass', 'first', '--value=1000000')).toThrow(/Slipway writes only/);
      expect(asSlipway('delete', 'pod', '-n', namespace, '--all')).toThrow(/Slipway writes only/);
    });
  },
);
