import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { appManifest } from '../../app/app-manifest.ts';
import { type EmbeddedGitHost, startEmbeddedGitHost } from '../../app/embedded/git-host/git-host.ts';
import { WorkingCopy } from '../../app/embedded/working-copy.ts';
import { type Documentdb, startDocumentdb } from '../contract/documentdb.ts';
import type { FaultCluster } from './fault-cluster.ts';
import { balancer } from './proxies/balancer.ts';
import { databaseProxy } from './proxies/database-proxy.ts';
import { httpProxy } from './proxies/http-proxy.ts';
import type { Listening } from './proxies/listening.ts';
import { Recorder } from './recorder.ts';
import { referenceFiles } from './reference-run.ts';
import { Replica } from './replica.ts';
import { Striker } from './striker.ts';

const organization = 'acme';
const repository = 'hello';
const developer = 'dev';
const quiet = pino({ level: 'silent' });
const replicaHosts = ['127.0.0.2', '127.0.0.3'] as const;

/**
 * Two replicas of Slipway, of which none or both run, with all that is outside of them: each of the outside's parts can
 * fail, and proxies stand before database, cluster and Git host.
 */
export class FaultWorld {
  readonly cluster: FaultCluster;
  readonly striker = new Striker();
  readonly recorder = new Recorder();
  readonly folder = mkdtempSync(join(tmpdir(), 'slipway-faults-'));
  readonly replicas: Replica[] = [];
  readonly #token: string;
  readonly #listening: Listening[] = [];
  #database: Documentdb | undefined;
  #host: EmbeddedGitHost | undefined;
  #copy: WorkingCopy | undefined;
  #recorderUrl = '';
  #closing: Promise<void> | undefined;
  #pushes = 0;

  private constructor(cluster: FaultCluster) {
    this.cluster = cluster;
    this.#token = randomBytes(32).toString('base64url');
  }

  static async open(cluster: FaultCluster): Promise<FaultWorld> {
    const world = new FaultWorld(cluster);
    await world.#open();
    return world;
  }

  async #open(): Promise<void> {
    const { cluster, striker, folder } = this;
    this.#recorderUrl = `http://${cluster.machine}:${await this.recorder.start(cluster.machine)}`;
    this.#database = await startDocumentdb();
    const host = await this.#startHost();
    host.createUser(developer);
    host.createOrganization(organization, { admins: [developer] });
    const { cloneUrl } = await host.createRepository(organization, repository);
    const [agentPort, webhookPort] = [await freePort(cluster.machine), await freePort('127.0.0.1')];
    const webhookSecret = randomBytes(24).toString('hex');
    const webhookUrl = `http://127.0.0.1:${webhookPort}/webhooks/github`;
    const app = await host.registerApp({ owner: organization, webhookUrl, webhookSecret, ...appManifest() });
    host.installApp(app.slug, organization);
    this.#copy = await WorkingCopy.create(join(folder, 'copy'), {
      url: cloneUrl,
      login: developer,
      token: this.#hostToken(),
      email: 'dev@example.com',
    });

    const before = {
      database: await databaseProxy(this.#database, striker),
      cluster: await httpProxy({ kind: 'cluster', striker, upstream: cluster.upstream, isRead: () => false }),
      host: await httpProxy({
        kind: 'host',
        striker,
        // Stages fetch their source through it too.
        host: cluster.machine,
        upstream: async () => ({ url: this.#hostUrl(), access: {} }),
        isRead: (path) => path.includes('/access_tokens') || path.endsWith('/git-upload-pack'),
      }),
    };
    this.#listening.push(...Object.values(before));
    for (const [index, at] of replicaHosts.entries()) {
      this.replicas.push(
        new Replica({
          dataDir: folder,
          replica: `replica-${index + 1}`,
          host: at,
          webhookPort,
          agentPort,
          agentAddress: cluster.machine,
          ...(cluster.agentImage === undefined ? {} : { agentImage: cluster.agentImage }),
          images: { ...cluster.images },
          databaseUri: `mongodb://127.0.0.1:${before.database.port}/?directConnection=true`,
          kubeconfig: kubeconfigOf(before.cluster.port),
          apiToken: this.#token,
          github: {
            appId: app.appId,
            privateKey: app.privateKey,
            webhookSecrets: [webhookSecret],
            baseUrl: `http://${cluster.machine}:${before.host.port}/api/v3`,
          },
        }),
      );
    }
    const targets = (port: number) => replicaHosts.map((at) => ({ host: at, port }));
    this.#listening.push(
      await balancer({ host: '127.0.0.1', port: webhookPort }, targets(webhookPort)),
      await balancer({ host: cluster.machine, port: agentPort }, targets(agentPort)),
    );
  }

  /** Lets exactly so many replicas run, the others not. */
  async run(count: 1 | 2): Promise<void> {
    for (const [index, replica] of this.replicas.entries()) {
      if (index >= count) await replica.kill();
      else if (!replica.isUp) replica.start();
    }
    await Promise.all(this.replicas.slice(0, count).map((replica) => replica.ready()));
  }

  /** The replica that leads now. */
  async leader(): Promise<Replica> {
    for (let tries = 0; tries < 300; tries += 1) {
      for (const replica of this.replicas) if ((await replica.get('/runs?limit=1')) !== undefined) return replica;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('No replica leads');
  }

  /** Pushes the reference run's files, so that a new run begins. @returns the head SHA */
  async push(environment = 'production'): Promise<string> {
    this.#pushes += 1;
    const files = { ...referenceFiles(this.#recorderUrl, environment), push: String(this.#pushes) };
    if (this.#copy === undefined) throw new Error('The world is not open');
    return this.#copy.push('main', files, `Push ${this.#pushes}`);
  }

  /** What the API of the replica that leads says; undefined while none does. */
  async get(path: string): Promise<unknown> {
    for (const replica of this.replicas) {
      const answer = await replica.get(path);
      if (answer !== undefined) return answer.json().catch(() => undefined);
    }
    return undefined;
  }

  async text(path: string): Promise<string | undefined> {
    for (const replica of this.replicas) {
      const answer = await replica.get(path);
      if (answer !== undefined) return answer.text().catch(() => undefined);
    }
    return undefined;
  }

  async checks(sha: string): Promise<unknown> {
    const response = await fetch(
      `${this.#hostUrl()}/api/v3/repos/${organization}/${repository}/commits/${sha}/check-runs?per_page=100`,
      { headers: { authorization: `Bearer ${this.#hostToken()}` } },
    );
    return response.json();
  }

  get parts(): FaultCluster['parts'] {
    return [
      ...this.cluster.parts,
      {
        name: 'database',
        kill: async () => this.#database?.kill(),
        start: async () => this.#database?.start(),
      },
      {
        name: 'database, its connections left open,',
        kill: async () => this.#database?.signal('SIGSTOP'),
        start: async () => this.#database?.signal('SIGCONT'),
      },
      {
        name: 'Git host',
        kill: async () => this.#host?.stop(),
        start: async () => void (await this.#startHost()),
      },
    ];
  }

  /** @returns a folder that outlives this world */
  keepLogs(): string {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-faults-logs-'));
    const begun = this.replicas.filter(({ settings }) => existsSync(join(this.folder, `${settings.replica}.log`)));
    for (const { settings } of begun)
      cpSync(join(this.folder, `${settings.replica}.log`), join(folder, `${settings.replica}.log`), { force: true });
    return folder;
  }

  /** Ends all that it started, once: a signal may ask for it beside the command. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const replica of this.replicas) await replica.kill();
    await this.cluster.close();
    for (const each of this.#listening) await each.close();
    await this.#host?.stop();
    await this.recorder.stop();
    this.#database?.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }

  async #startHost(): Promise<EmbeddedGitHost> {
    this.#host = await startEmbeddedGitHost({
      dataDir: join(this.folder, 'git-host'),
      log: quiet,
      ...(this.cluster.machine === '127.0.0.1' ? {} : { address: this.cluster.machine }),
    });
    return this.#host;
  }

  #hostUrl(): string {
    return this.#host?.url ?? '';
  }

  #hostToken(): string {
    return this.#host?.createToken(developer) ?? '';
  }
}

function kubeconfigOf(port: number): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'proxy',
    clusters: [{ name: 'proxy', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'proxy', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
  });
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
