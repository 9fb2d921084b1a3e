import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { pino } from 'pino';
import type { GitHostSetup } from '../../providers/git-host-setup.ts';
import type { EnvironmentConfig } from '../config.ts';
import { openCluster } from '../embedded/embedded-slipway.ts';
import { isEmbeddedCluster } from '../embedded/is-embedded-cluster.ts';
import { startSlipway } from '../main.ts';
import { connectionFile } from './client.ts';
import { clusterFromEnvironment, settingsOf } from './settings.ts';
import { takeStateFolder } from './state-folder.ts';
import { writeWhole } from './write-whole.ts';

const stopSeconds = 5;

/** Runs Slipway for a real Git host until it is asked to end: no sample, no tour, logs as JSON lines. */
export async function serve(facts: {
  readonly environment: EnvironmentConfig;
  readonly gitHosts: readonly GitHostSetup[];
  readonly dataDir: string;
  readonly port: number;
}): Promise<never> {
  const { environment, dataDir } = facts;
  const ending = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const log = pino({ level: process.env['SLIPWAY_LOG'] ?? 'info' }, pino.destination(2));
  const state = takeStateFolder(dataDir);
  const kubeconfig = await clusterFromEnvironment(environment);
  const cluster = kubeconfig === undefined ? await openCluster(dataDir, log) : undefined;
  const config = await settingsOf({
    ...facts,
    kubeconfig: kubeconfig ?? cluster?.kubeconfig() ?? '',
    isClusterEmbedded: kubeconfig === undefined || (await isEmbeddedCluster(kubeconfig)),
  });
  const asked = new AbortController();
  void ending.then(() => asked.abort());
  const slipway = await startSlipway(config, log, { signal: asked.signal }).catch((error: unknown) => {
    // One that never led has nothing to put in order.
    if (asked.signal.aborted) process.exit(0);
    throw error;
  });
  await writeWhole(connectionFile(dataDir), JSON.stringify({ url: slipway.url, token: config.apiToken }));
  log.info(
    { url: slipway.url, replica: config.replica, database: config.database.type },
    'Slipway is up; webhooks go to /webhooks/<host>',
  );
  await ending;
  await slipway.stop();
  await cluster?.stop({ pods: 'end', graceSeconds: stopSeconds });
  await rm(connectionFile(dataDir), { force: true });
  state.close();
  process.exit(0);
}
