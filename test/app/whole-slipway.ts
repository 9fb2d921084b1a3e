import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { appManifest } from '../../app/app-manifest.ts';
import { defaultSlots, embeddedConfig, embeddedGitHub, openCluster } from '../../app/embedded/embedded-slipway.ts';
import { freePort } from '../../app/embedded/free-port.ts';
import { type EmbeddedGitHost, startEmbeddedGitHost } from '../../app/embedded/git-host/git-host.ts';
import { WorkingCopy } from '../../app/embedded/working-copy.ts';
import { type Slipway, startSlipway } from '../../app/main.ts';

/** Slipway with its embedded database, cluster and Git host in this process, and a repository `acme/web` to push to. */
export interface WholeSlipway {
  readonly slipway: Slipway;
  /** Ends Slipway alone, and starts it again over the same state. */
  restart(): Promise<Slipway>;
  readonly host: EmbeddedGitHost;
  readonly cloneUrl: string;
  /** The developer `dev`, who may do everything. */
  readonly copy: WorkingCopy;
  readonly token: string;
  /** Of Slipway's own API. */
  readonly apiToken: string;
  stop(): Promise<void>;
}

/** @param options.before puts something before the Git host, for Slipway alone: gives the address to ask instead */
export async function startWhole(
  folder: string,
  options: { readonly before?: (url: string) => Promise<string>; readonly isPrivate?: boolean } = {},
): Promise<WholeSlipway> {
  const log = pino({ level: 'error' }, pino.destination(2));
  const [host, cluster] = await Promise.all([
    startEmbeddedGitHost({ dataDir: join(folder, 'git-host'), log }),
    openCluster(folder, log),
  ]);
  host.createUser('dev');
  host.createOrganization('acme', { admins: ['dev'] });
  const { cloneUrl } = await host.createRepository('acme', 'web', { private: options.isPrivate === true });
  const webhookSecret = randomBytes(24).toString('hex');
  const app = await host.registerApp({
    owner: 'acme',
    webhookUrl: 'http://127.0.0.1:9/',
    webhookSecret,
    ...appManifest(),
  });
  host.installApp(app.slug, 'acme');
  const apiUrl =
    options.before === undefined ? host.apiUrl : host.apiUrl.replace(host.url, await options.before(host.url));
  const port = await freePort();
  const config = await embeddedConfig({
    dataDir: folder,
    cluster,
    port,
    url: `http://127.0.0.1:${port}`,
    slots: defaultSlots,
    gitHosts: [embeddedGitHub({ apiUrl }, app, webhookSecret)],
  });
  let slipway = await startSlipway(config, log);
  host.setWebhookUrl(app.slug, `${slipway.url}/webhooks/github`);
  host.vouchFor({
    below: `${slipway.url}/runs/`,
    link: (login, address) => slipway.personLink({ provider: 'github', login }, address),
  });
  const token = host.createToken('dev');
  const copy = await WorkingCopy.create(join(folder, 'copy'), {
    url: cloneUrl,
    login: 'dev',
    token,
    email: 'dev@example.com',
  });
  return {
    get slipway() {
      return slipway;
    },
    async restart() {
      await slipway.stop();
      slipway = await startSlipway(config, log);
      host.setWebhookUrl(app.slug, `${slipway.url}/webhooks/github`);
      return slipway;
    },
    host,
    cloneUrl,
    copy,
    token,
    apiToken: config.apiToken,
    async stop() {
      await slipway.stop();
      await host.stop();
      await cluster.stop({ pods: 'end', graceSeconds: 1 });
    },
  };
}
