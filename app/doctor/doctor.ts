import type { RepositoryRef } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { ClusterAccess } from '../../engine/ports/cluster-access.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { GitHostSetup } from '../../providers/git-host-setup.ts';
import { appManifest } from '../app-manifest.ts';
import { type Config, isSafeUrl } from '../config.ts';
import { signInVariables } from '../git-hosts.ts';
import type { Connections } from '../installations/connections.ts';
import type { GitHostsInUse } from '../installations/git-hosts-in-use.ts';
import type { Installations } from '../installations/installations.ts';
import type { StoredGitHosts } from '../installations/stored-git-hosts.ts';
import { signInAddress } from '../pages/sign-in-routes.ts';
import { checkAddress } from './check-address.ts';
import { checkApp } from './check-app.ts';
import { checkCluster } from './check-cluster.ts';
import { checkConnections } from './check-connections.ts';
import { checkGitHost } from './check-git-host.ts';
import { checkSignIn } from './check-sign-in.ts';
import { checkEncryption, checkStore } from './check-store.ts';
import { type Check, examine, type Finding } from './finding.ts';

export interface DoctorParts {
  readonly config: Pick<Config, 'database'>;
  readonly database: Database;
  readonly cluster: ClusterAccess;
  readonly gitHosts: { readonly inUse: GitHostsInUse; readonly stored: StoredGitHosts };
  readonly installations: Installations;
  readonly connections: Connections;
  /** Where people and hosts reach Slipway. */
  readonly url: () => string;
  readonly clock: Clock;
}

/** What works, what does not, and how to put it right: of Slipway's own parts, and of each installation. */
export async function* diagnose(parts: DoctorParts): AsyncGenerator<Finding> {
  const { inUse, stored } = parts.gitHosts;
  const url = parts.url();
  const providers = inUse.providers();
  const isFar = (provider: string) => {
    const setup = inUse.setup(provider);
    return setup !== undefined && isElsewhere(setup);
  };
  const own = [
    checkStore(parts.database, parts.config.database.type),
    checkEncryption(stored),
    checkCluster(parts.cluster),
    checkAddress({ url, isFarHost: providers.some(isFar) }),
  ];
  yield* examine(own);
  if (providers.length === 0) {
    yield {
      subject: 'Git hosts',
      state: 'warning',
      what: 'No Git host is set up',
      why: 'There is nothing that could start a run',
      fix: '`slipway setup` registers a GitHub App, `slipway connect` connects GitLab, Bitbucket and Gitea',
    };
  }
  for (const provider of providers) yield* examine(await checksOf(provider, parts));
}

/** Not on this machine, whose people are known to whoever started Slipway. */
function isElsewhere({ url, apiUrl }: GitHostSetup): boolean {
  const address = url ?? apiUrl;
  return !(isSafeUrl(address) && address.startsWith('http:'));
}

async function checksOf(provider: string, parts: DoctorParts): Promise<readonly Check[]> {
  const { gitHosts, installations, connections, clock } = parts;
  const setup = gitHosts.inUse.setup(provider);
  if (setup === undefined) return [];
  const url = `${parts.url()}/webhooks/${provider}`;
  const address = signInAddress(parts.url(), provider);
  const repository = await someRepository(provider, installations);
  const host = checkGitHost({ setup, host: gitHosts.inUse.host(provider), repository, clock });
  const app = setup.app?.();
  const places = setup.places?.();
  return [
    host,
    ...(isElsewhere(setup) ? [checkSignIn({ provider, setup, variables: signInVariables(provider), address })] : []),
    ...(app === undefined ? [] : [checkApp({ provider, app, wanted: appManifest(), url })]),
    ...(places === undefined ? [] : [checkConnections({ provider, places, connections, url, clock })]),
  ];
}

/** One that we may work in. */
async function someRepository(provider: string, installations: Installations): Promise<RepositoryRef | undefined> {
  for (const { tenant, state } of await installations.all()) {
    if (state !== 'active' || !tenant.startsWith(`${provider}:`)) continue;
    const found = (await installations.repositoriesOf(tenant)).find(({ isGone }) => !isGone);
    if (found === undefined) continue;
    const { isGone: _, ...repository } = found;
    return repository;
  }
  return undefined;
}
