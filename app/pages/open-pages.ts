import type { Hono } from 'hono';
import { systemClock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { Config } from '../config.ts';
import { gitHubRegistration } from '../git-hosts.ts';
import type { GitHostsInUse } from '../installations/git-hosts-in-use.ts';
import type { StoredGitHosts } from '../installations/stored-git-hosts.ts';
import { BrowserSession } from './browser-session.ts';
import { pageRoutes } from './routes.ts';
import { setupRoutes } from './setup-routes.ts';
import { Signed } from './signed.ts';

/** Slipway's pages, and what the command line needs of them. */
export interface Pages {
  readonly routes: Hono;
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
  const session = new BrowserSession({ signed, apiToken: config.apiToken, url: config.url ?? '' });
  const setup = setupRoutes({
    ...parts.gitHosts,
    session,
    signed,
    registration: gitHubRegistration,
    url,
    onError: parts.onError,
  });
  return {
    routes: pageRoutes({ setup, hosts: parts.hosts }),
    async setupLink(place) {
      const given = Object.entries(place).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const query = new URLSearchParams([['token', await session.linkToken()], ...given]);
      return `${url()}/setup/sign-in?${query}`;
    },
  };
}
