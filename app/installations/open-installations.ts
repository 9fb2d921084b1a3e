import type { Hono } from 'hono';
import type { Logger } from 'pino';
import type { RepositoryRef } from '../../engine/core/trigger.ts';
import { systemClock } from '../../engine/ports/clock.ts';
import type { ClusterAccess } from '../../engine/ports/cluster-access.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { GitHost } from '../../providers/git-host.ts';
import type { Config } from '../config.ts';
import { diagnose } from '../doctor/doctor.ts';
import type { Job } from '../jobs/jobs.ts';
import type { Pages } from '../pages/open-pages.ts';
import { Connect } from './connect.ts';
import { Connections } from './connections.ts';
import type { FollowInstallations } from './follow-installations.ts';
import type { GitHostsInUse } from './git-hosts-in-use.ts';
import { installationApi } from './installation-api.ts';
import type { Installations } from './installations.ts';
import { slipwayLabels } from './labels.ts';
import { makeLabels } from './make-labels.ts';
import type { StoredGitHosts } from './stored-git-hosts.ts';
import { SweepInstallations } from './sweep-installations.ts';
import { WatchCredentials } from './watch-credentials.ts';

/** Everything about where Slipway is let in: what the command line asks of it, and what is done from time to time. */
export interface OpenInstallations {
  readonly api: Hono;
  readonly jobs: readonly Job[];
  /** What was missed while nobody led is looked for at once. Nobody waits for it. */
  begin(): void;
  /** Ends what is under way, as far as it must not be cut. */
  stop(): Promise<void>;
}

export async function openInstallations(parts: {
  readonly config: Pick<Config, 'database'>;
  readonly database: Database;
  readonly cluster: ClusterAccess;
  readonly gitHosts: { readonly inUse: GitHostsInUse; readonly stored: StoredGitHosts };
  readonly installations: Installations;
  readonly follow: FollowInstallations;
  readonly hosts: (provider: string) => GitHost;
  readonly setupLink: Pages['setupLink'];
  /** Where people and hosts reach Slipway. */
  readonly url: () => string;
  readonly onError: (error: unknown) => void;
  readonly log: Logger;
}): Promise<OpenInstallations> {
  const { database, gitHosts, installations, hosts, url, onError, log } = parts;
  const connections = new Connections({ database, clock: systemClock });
  await connections.prepare();
  const connect = new Connect({
    connections,
    gitHosts,
    installations,
    follow: (event) => parts.follow.handle(event),
    labels: async (repository: RepositoryRef) => {
      await hosts(repository.provider).ensureLabels(repository, slipwayLabels);
    },
    url,
    clock: systemClock,
    onError,
  });
  const sweep = new SweepInstallations({
    inUse: gitHosts.inUse,
    installations,
    follow: (event) => parts.follow.handle(event),
    log,
  });
  const credentials = new WatchCredentials({ gitHosts, clock: systemClock, log });
  const sealed = gitHosts.stored.canStore ? await gitHosts.stored.sealAgain() : 0;
  if (sealed > 0) log.info({ gitHosts: sealed }, 'Stored secrets are encrypted with the new key now');
  return {
    api: installationApi({
      setupLink: parts.setupLink,
      connect,
      connections,
      labels: (provider, repository) =>
        makeLabels(provider, repository, {
          installations,
          host: gitHosts.inUse.setup(provider) === undefined ? undefined : hosts(provider),
        }),
      diagnose: () => diagnose({ ...parts, connections, clock: systemClock }),
    }),
    jobs: [
      { name: 'sweep-installations', every: '10 minutes', run: () => sweep.sweep() },
      { name: 'keep-webhooks', every: '10 minutes', run: () => connect.sweep() },
      { name: 'watch-credentials', every: '12 hours', run: () => credentials.look() },
    ],
    begin() {
      for (const look of [() => sweep.sweep(), () => connect.sweep(), () => credentials.look()]) look().catch(onError);
    },
    stop: () => credentials.stop(),
  };
}
