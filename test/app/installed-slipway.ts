import { pino } from 'pino';
import { defaultSlots, embeddedConfig, openCluster } from '../../app/embedded/embedded-slipway.ts';
import { freePort } from '../../app/embedded/free-port.ts';
import type { FaceName } from '../../app/embedded/git-host/face.ts';
import type { EmbeddedGitHost } from '../../app/embedded/git-host/git-host.ts';
import { type InstalledHost, startInstalledHost } from '../../app/embedded/installed-host.ts';
import { WorkingCopy } from '../../app/embedded/working-copy.ts';
import { startSlipway } from '../../app/main.ts';
import type { GitHostSetup } from '../../providers/git-host-setup.ts';

const log = pino({ level: 'error' }, pino.destination(2));

/** How Slipway reaches the host, changed. `url`: where Slipway will be. */
type SetUp<H> = (
  setup: GitHostSetup,
  at: { readonly host: H; readonly url: string },
) => GitHostSetup | Promise<GitHostSetup>;

/** Slipway on the embedded host with that face, with `acme/hello`: `dev` administrates it, `rev` may write, `guest` may not. */
export async function startInstalled(face: FaceName, folder: string, setUp?: SetUp<EmbeddedGitHost>) {
  return startInstalledOn(await startInstalledHost(face, { dataDir: folder, log }), folder, setUp);
}

/** Slipway on any host that it is installed on. */
export async function startInstalledOn<H extends InstalledHost>(
  installed: H,
  folder: string,
  setUp: SetUp<H['host']> = (same) => same,
) {
  const [cluster, port] = await Promise.all([openCluster(folder, log), freePort()]);
  const { people, tour } = installed;
  const host: H['host'] = installed.host;
  const url = `http://127.0.0.1:${port}`;
  const config = await embeddedConfig({
    dataDir: folder,
    cluster,
    port,
    url,
    slots: defaultSlots,
    gitHosts: [await setUp(installed.setup, { host, url })],
  });
  let slipway = await startSlipway(config, log);
  await installed.sendTo(slipway);
  const copy = await WorkingCopy.create(`${folder}/copy`, {
    ...people.developer,
    url: tour.cloneUrl(tour.owner),
    email: 'dev@example.com',
  });
  return {
    get slipway() {
      return slipway;
    },
    async restart(): Promise<void> {
      await slipway.stop();
      slipway = await startSlipway(config, log);
      await installed.sendTo(slipway);
    },
    url,
    host,
    people,
    tour,
    cluster,
    /** The developer's, with a right to everything. */
    copy,
    async stop(): Promise<void> {
      await slipway.stop();
      await host.stop();
      await cluster.stop({ pods: 'end', graceSeconds: 1 });
    },
  };
}

export type InstalledSlipway = Awaited<ReturnType<typeof startInstalled>>;
