import type { Hono } from 'hono';
import type { Wait } from '../../engine/core/schedule.ts';
import { systemClock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { GitHost } from '../../providers/git-host.ts';
import type { Config } from '../config.ts';
import { gitHubRegistration } from '../git-hosts.ts';
import type { GitHostsInUse } from '../installations/git-hosts-in-use.ts';
import type { StoredGitHosts } from '../installations/stored-git-hosts.ts';
import type { ReadRuns } from '../read-runs.ts';
import { BrowserSession } from './browser-session.ts';
import { stagePath } from './graph.ts';
import { pageRoutes } from './routes.ts';
import { RunAccess } from './run-access.ts';
import { runRoutes } from './run-routes.ts';
import { setupRoutes } from './setup-routes.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { Signed } from './signed.ts';

const linkMs = 3_600_000;
/** A host that vouches for a person sends the browser here at once. */
const handOverMs = 60_000;

/** What the pages of runs read. */
export interface RunPages {
  readonly read: ReadRuns;
  readonly hosts: (provider: string) => GitHost;
  readonly waitsOf: (runId: string) => readonly Wait[];
}

/** Slipway's pages, and what the command line needs of them. */
export interface Pages {
  routes(runs: RunPages): Hono;
  /** The address of a run's page, or of one of its stages: holds no secret. */
  addressOf(runId: string, stage?: string): string;
  /** Opens a run's page for who runs Slipway, once, within an hour. */
  runLink(runId: string): Promise<string>;
  /** Opens that address of ours for somebody whom a Git host vouches for, once, at once; undefined: it is no page of runs. */
  personLink(
    person: { readonly provider: string; readonly login: string },
    address: string,
  ): Promise<string | undefined>;
  /** Opens the setup page, once, within an hour. */
  setupLink(place: { readonly url?: string | undefined; readonly organization?: string | undefined }): Promise<string>;
}

export function openPages(parts: {
  readonly config: Config;
  readonly database: Database;
  readonly gitHosts: { readonly inUse: GitHostsInUse; readonly stored: StoredGitHosts };
  /** Where people and hosts reach Slipway: known once it listens. */
  readonly url: () => string;
  readonly hosts: () => ReadonlySet<string>;
  readonly onError: (error: unknown) => void;
}): Pages {
  const { config, database, url } = parts;
  const signed = new Signed({ secret: config.apiToken, database, clock: systemClock });
  const session = new BrowserSession({ signed, apiToken: config.apiToken, url });
  const setup = setupRoutes({
    ...parts.gitHosts,
    session,
    signed,
    registration: gitHubRegistration,
    url,
    onError: parts.onError,
  });
  const setupOf = (provider: string) => parts.gitHosts.inUse.setup(provider);
  const signIn = signInRoutes({ session, signed, setup: setupOf, url, onError: parts.onError });
  const linkWith = (token: string) => `${url()}/sign-in?${new URLSearchParams({ token })}`;
  const operator = { type: 'operator' } as const;
  return {
    routes: (runs) =>
      pageRoutes({
        setup,
        signIn,
        session,
        hosts: parts.hosts,
        runs: runRoutes({
          ...runs,
          session,
          access: new RunAccess({
            hosts: runs.hosts,
            apiUrl: (provider) => setupOf(provider)?.apiUrl,
            clock: systemClock,
          }),
          signIns: () =>
            parts.gitHosts.inUse.providers().flatMap((provider) => {
              const name = setupOf(provider)?.signIn?.name;
              return name === undefined ? [] : [{ provider, name }];
            }),
          clock: systemClock,
          onError: parts.onError,
        }),
      }),
    addressOf: (runId, stage) => `${url()}${stage === undefined ? `/runs/${runId}` : stagePath(runId, stage)}`,
    async runLink(runId) {
      return linkWith(await session.linkToken(operator, { lifetimeMs: linkMs, to: `/runs/${runId}` }));
    },
    async personLink(person, address) {
      if (!address.startsWith(`${url()}/runs/`)) return undefined;
      const to = address.slice(url().length);
      const viewer = { type: 'person', host: setupOf(person.provider)?.apiUrl ?? '', ...person } as const;
      return linkWith(await session.linkToken(viewer, { lifetimeMs: handOverMs, to }));
    },
    async setupLink(place) {
      const given = Object.entries(place).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const token = await session.linkToken(operator, { lifetimeMs: linkMs });
      return `${url()}/setup/sign-in?${new URLSearchParams([['token', token], ...given])}`;
    },
  };
}
