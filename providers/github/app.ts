import { z } from 'zod';
import type { AppInstallation, HostApp } from '../git-host-app.ts';
import { type CredentialReport, faultOf, type HostCredentials } from '../git-host-credentials.ts';
import { GitHostError } from '../git-host-error.ts';
import { gitHubError } from './error.ts';
import { repositoryOf } from './repository-ref.ts';
import type { GitHubSession, Octokit } from './session.ts';

const perPage = 100;
const maxInstallationPages = 100;
const maxRepositoryPages = 100;

const Permissions = z.record(z.string(), z.string());

/** The App as GitHub has it registered, and who let it in. */
export function app(session: () => Promise<GitHubSession>): HostApp {
  async function ask<T>(what: string, asked: (octokit: Octokit) => Promise<T>, tenant?: string): Promise<T> {
    try {
      const opened = await session();
      return await asked(tenant === undefined ? await opened.app() : await opened.installation(tenant));
    } catch (error) {
      throw error instanceof GitHostError ? error : gitHubError(what, error);
    }
  }

  return {
    report: () =>
      ask('Asking GitHub about the App', async (octokit) => {
        const { data: own } = await octokit.request('GET /app');
        const { data: hook } = await octokit.request('GET /app/hook/config');
        const { data: deliveries } = await octokit.request('GET /app/hook/deliveries', { per_page: perPage });
        return {
          name: own?.name ?? '',
          permissions: Permissions.parse(own?.permissions ?? {}),
          events: own?.events ?? [],
          hookUrl: hook.url ?? '',
          deliveries: deliveries.map(({ event, delivered_at, status_code }) => ({
            event,
            at: new Date(delivered_at),
            ...(status_code === 0 ? {} : { status: status_code }),
          })),
        };
      }),

    installations: () =>
      ask('Listing the installations of the App', async (octokit) => {
        const found: AppInstallation[] = [];
        for (let page = 1; page <= maxInstallationPages; page += 1) {
          const { data } = await octokit.request('GET /app/installations', { per_page: perPage, page });
          found.push(
            ...data.map(({ id, account, suspended_at, permissions, repository_selection }) => ({
              tenant: `github:${id}`,
              account: accountOf(account),
              state: suspended_at === null || suspended_at === undefined ? ('active' as const) : ('suspended' as const),
              permissions: Permissions.parse(permissions),
              repositories: repository_selection,
            })),
          );
          if (data.length < perPage) return found;
        }
        throw new GitHostError({
          code: 'invalid',
          what: 'Listing the installations of the App',
          why: `There are more than ${maxInstallationPages * perPage}`,
          fix: 'Report it: nothing was changed',
        });
      }),

    repositories: (tenant) =>
      ask(
        `Listing the repositories of ${tenant}`,
        async (octokit) => {
          const installation = { id: Number(tenant.slice(tenant.indexOf(':') + 1)) };
          const repositories = [];
          for (let page = 1; page <= maxRepositoryPages; page += 1) {
            const { data } = await octokit.request('GET /installation/repositories', { per_page: perPage, page });
            repositories.push(
              ...data.repositories.map(({ id, name, full_name }) =>
                repositoryOf({ installation, repository: { id: Number(id), name, full_name } }),
              ),
            );
            if (data.repositories.length < perPage) return { repositories, isComplete: true };
          }
          return { repositories, isComplete: false };
        },
        tenant,
      ),
  };
}

/** The App's key: whether GitHub takes it. It does not end. */
export function credentials(session: () => Promise<GitHubSession>): HostCredentials {
  const name = 'GITHUB_PRIVATE_KEY';
  return {
    async examine(): Promise<readonly CredentialReport[]> {
      try {
        const actsAs = await (await session()).ownLogin();
        return [{ name, actsAs, faults: [] }];
      } catch (error) {
        return [{ name, faults: [faultOf(gitHubError('Signing in as the App', error))] }];
      }
    },
  };
}

/** An enterprise has a name alone. */
function accountOf(account: object | null): string {
  const named = z
    .object({ login: z.string() })
    .or(z.object({ slug: z.string() }))
    .safeParse(account).data;
  return named === undefined ? 'unknown' : 'login' in named ? named.login : named.slug;
}
