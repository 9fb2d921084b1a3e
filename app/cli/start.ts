import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { pino } from 'pino';
import { type EnvironmentConfig, readEnvironment } from '../config.ts';
import { openCluster } from '../embedded/embedded-slipway.ts';
import { stablePort } from '../embedded/free-port.ts';
import type { FaceName } from '../embedded/git-host/face.ts';
import { installedOnGitea } from '../embedded/installed-gitea.ts';
import { type InstalledHost, repository, startInstalledHost } from '../embedded/installed-host.ts';
import { isEmbeddedCluster } from '../embedded/is-embedded-cluster.ts';
import {
  askConsent,
  failingTest,
  fix,
  neverReady,
  sampleFiles,
  theirs,
  urgent,
} from '../embedded/tour/sample-changes.ts';
import { walkTour } from '../embedded/tour/tour.ts';
import { gitHostsFromEnvironment } from '../git-hosts.ts';
import { startSlipway } from '../main.ts';
import { connectionFile, defaultDataDir } from './client.ts';
import { ports, wholeNumber } from './output.ts';
import { formatDuration, paintFor, RunView } from './run-view.ts';
import { serve } from './serve.ts';
import { clusterFromEnvironment, settingsOf } from './settings.ts';
import { takeStateFolder } from './state-folder.ts';
import { writeWhole } from './write-whole.ts';

const stopSeconds = 5;

interface StartOptions {
  readonly data: string;
  readonly host: FaceName | 'gitea';
  readonly port?: string;
  readonly demo?: boolean;
  readonly tour: boolean;
}

export function startCommand(): Command {
  return new Command('start')
    .description('run Slipway; database, cluster and Git host are embedded where the environment names none')
    .option('--data <folder>', 'where it keeps its state', defaultDataDir(process.env))
    .addOption(
      new Option(
        '--host <host>',
        'which Git host the embedded one behaves like; gitea: the real one that GITEA_URL names',
      )
        .choices(['github', 'gitlab', 'bitbucket', 'gitea'])
        .default('github'),
    )
    .option('--port <port>', 'port to listen on (7300)')
    .option('--demo', 'walk through a delivery in a new state, then end; exit code 0 only if every step was seen')
    .option('--no-tour', 'start without the sample and its tour')
    .action((options: StartOptions) => (options.demo === true ? demo(options) : start(options)));
}

async function demo(options: StartOptions): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'slipway-demo-'));
  const begin = Date.now();
  // All of it is embedded, whatever the environment names, but for the Gitea that is asked for.
  const running = await bringUp(options.host, dataDir, 0, readEnvironment({}));
  try {
    await running.tour();
    running.view.say(
      '',
      `${running.paint('green', '✓')} Every step was seen, in ${formatDuration(Date.now() - begin)}`,
    );
  } finally {
    await running.stop();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  process.exit(0);
}

async function start(options: StartOptions): Promise<void> {
  const environment = readEnvironment(process.env);
  const port = options.port === undefined ? environment.SLIPWAY_PORT : wholeNumber('--port', options.port, ports);
  const gitHosts = gitHostsFromEnvironment(process.env);
  // A public address is there for real Git hosts, which a page or command may have yet to set up.
  if (gitHosts.length > 0 || environment.SLIPWAY_PUBLIC_URL !== undefined)
    return serve({ environment, gitHosts, dataDir: options.data, port });
  const running = await bringUp(options.host, options.data, port, environment);
  const { view, paint, host, owner } = running;
  if (options.tour && !(await running.hasSample())) {
    await running
      .tour()
      .catch((error: unknown) =>
        view.say(paint('red', `The tour ended early: ${error instanceof Error ? error.message : String(error)}`)),
      );
  }
  const page = `${host.url}/${owner}/${repository}`;
  const slipway = commandFor(options.data, process.env);
  view.say(
    '',
    paint('bold', 'Slipway is up. What to try next:'),
    `  Pages        ${running.signIn}   signs you in; then ${page}/pulls`,
    `  Clone        git clone ${running.cloneUrlWithLogin}   password: ${running.tokenFile}`,
    `  Runs         ${slipway('runs')}`,
    `  A run        ${slipway('open <run>')}, or logs, why, show; or "Details" of any check`,
    `  Go back      ${slipway('rollback production')}`,
    `  Your own     ${byNpm(process.env) ? 'npm link, then ' : ''}cd your-repository && slipway run`,
    '',
    'Ctrl-C ends it, with its pods. The next start brings deployments up again, and runs anew what was cut off.',
  );
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await running.stop();
  process.exit(0);
}

/** npm and npx start it without putting it on the PATH of the shell that reads on. */
function byNpm(environment: NodeJS.ProcessEnv): boolean {
  return environment['npm_execpath'] !== undefined;
}

/** What to type in another shell to ask this Slipway. */
function commandFor(data: string, environment: NodeJS.ProcessEnv): (words: string) => string {
  const { SLIPWAY_DATA: _, ...others } = environment;
  const name = byNpm(environment) ? 'npx slipway' : 'slipway';
  const where = data === defaultDataDir(others) ? '' : ` --data ${data}`;
  return (words) => `${name} ${words}${where}`;
}

interface Running {
  readonly view: RunView;
  readonly paint: ReturnType<typeof paintFor>;
  readonly host: InstalledHost['host'];
  readonly owner: string;
  readonly signIn: string;
  readonly cloneUrlWithLogin: string;
  readonly tokenFile: string;
  hasSample(): Promise<boolean>;
  tour(): Promise<void>;
  stop(): Promise<void>;
}

async function bringUp(
  face: FaceName | 'gitea',
  dataDir: string,
  port: number,
  environment: EnvironmentConfig,
): Promise<Running> {
  const state = takeStateFolder(dataDir);
  const log = pino({ level: process.env['SLIPWAY_LOG'] ?? 'error' }, pino.destination(2));
  const paint = paintFor(process.stdout);
  const view = new RunView(process.stdout);
  const named = await clusterFromEnvironment(environment);
  const isNamedEmbedded = named !== undefined && (await isEmbeddedCluster(named));
  const address = environment.SLIPWAY_AGENT_ADDRESS;
  // Many have KUBECONFIG set all day, and samples have no business in the cluster that it names.
  const isPassedOver = named !== undefined && !isNamedEmbedded && address === undefined;
  const kubeconfig = isPassedOver ? undefined : named;
  const isClusterEmbedded = isNamedEmbedded || kubeconfig === undefined;
  const embedded = [
    ...(environment.MONGODB_URI === undefined ? ['database'] : []),
    ...(kubeconfig === undefined ? ['cluster'] : []),
  ];
  view.say(
    `${paint('bold', 'Slipway')} starts with its embedded ${embedded.join(', ')}${embedded.length === 0 ? '' : ' and '}Git host, in ${dataDir}`,
  );
  if (isPassedOver)
    view.say(
      'The cluster that KUBECONFIG names is left alone. To use it, set SLIPWAY_AGENT_ADDRESS, which its pods reach.',
    );
  if (isClusterEmbedded) {
    view.say(
      paint(
        'yellow',
        'The embedded cluster runs stages as processes of this machine: they are not isolated, and images are not used.',
      ),
    );
  }
  const [installed, cluster] = await Promise.all([
    face === 'gitea'
      ? installedOnGitea(process.env, dataDir)
      : startInstalledHost(face, { dataDir, log, ...(address === undefined ? {} : { address }) }),
    kubeconfig === undefined ? openCluster(dataDir, log) : undefined,
  ]);
  const { host, people, tour } = installed;
  const { developer } = people;

  const settings = await settingsOf({
    environment,
    dataDir,
    kubeconfig: kubeconfig ?? cluster?.kubeconfig() ?? '',
    isClusterEmbedded,
    port: await stablePort(join(dataDir, 'port'), port),
    gitHosts: [installed.setup],
  });
  // Browsers of this machine reach its pages.
  const config = { ...settings, url: `http://127.0.0.1:${settings.listen.port}` };
  const slipway = await startSlipway(config, log);
  await installed.sendTo(slipway);
  slipway.loop.onChange(({ run }) => view.show(run));

  const tokenFile = join(dataDir, 'developer-token');
  await writeWhole(tokenFile, `${developer.token}\n`);
  await writeWhole(connectionFile(dataDir), JSON.stringify({ url: slipway.url, token: config.apiToken }));
  return {
    view,
    paint,
    host,
    owner: tour.owner,
    signIn: host.signInLink(developer.login),
    cloneUrlWithLogin: tour.cloneUrl(tour.owner).replace('http://', `http://${developer.login}@`),
    tokenFile: `cat ${tokenFile}`,
    hasSample: () => tour.hasMain(),
    tour: () =>
      walkTour({
        host: tour,
        people,
        changes: {
          sample: sampleFiles(),
          failingTest,
          fix,
          neverReady,
          conversation: { askConsent, theirs, urgent },
        },
        folder: dataDir,
        onChange: (listener) => slipway.loop.onChange(listener),
        say: (line) => view.say(paint('bold', line)),
      }),
    async stop() {
      view.stop();
      await slipway.stop();
      await host.stop();
      await cluster?.stop({ pods: 'end', graceSeconds: stopSeconds });
      await rm(connectionFile(dataDir), { force: true });
      state.close();
    },
  };
}
