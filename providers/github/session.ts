import { pino } from 'pino';
import { Probot, ProbotOctokit } from 'probot';
import type { RepositoryRef } from '../../engine/core/trigger.ts';
import { GitHostError } from '../git-host-error.ts';
import { gitHubError } from './error.ts';

export type Octokit = InstanceType<typeof ProbotOctokit>;

/** How GitHub's paths name a repository. */
export interface GitHubRepository {
  readonly owner: string;
  readonly repo: string;
}

/** Where the App is registered, and what it proves itself with. */
export interface GitHubAppOptions {
  readonly appId: number;
  readonly privateKey: string;
  readonly webhookSecret: string;
  /** Absent for github.com. */
  readonly baseUrl?: string;
  /** For one request; 15 seconds when left out. */
  readonly timeoutMs?: number;
}

/** The App signed in to GitHub: one client per installation, tokens kept while they are good. */
export interface GitHubSession {
  /** As the App itself. */
  app(): Promise<Octokit>;
  /** As one of its installations. */
  installation(tenant: string): Promise<Octokit>;
  /** As the repository's installation. @throws GitHostError naming `what` */
  call<T>(
    what: string,
    repository: RepositoryRef,
    ask: (octokit: Octokit, at: GitHubRepository) => Promise<T>,
  ): Promise<T>;
  /** Our own bot's login, so that another author's comment is never edited. */
  ownLogin(): Promise<string>;
  /** A token that reads one repository. */
  cloneToken(repository: RepositoryRef): Promise<string>;
}

const defaultTimeoutMs = 15_000;
const tokenSlackMs = 5 * 60_000;

/** Signs in by probot. Its own throttling and retries are off: budgets and retries are the caller's. */
export async function gitHubSession(options: GitHubAppOptions): Promise<GitHubSession> {
  const probot = new Probot({
    appId: options.appId,
    privateKey: options.privateKey,
    secret: options.webhookSecret,
    ...(options.baseUrl === undefined ? {} : { baseUrl: options.baseUrl }),
    log: pino({ level: 'silent' }),
    // Only the function form switches them off; seen with probot 14.3.2.
    Octokit: ProbotOctokit.defaults((defaults: object) => ({
      ...defaults,
      throttle: { enabled: false },
      retry: { enabled: false },
      request: { fetch: fetchWithin(options.timeoutMs ?? defaultTimeoutMs) },
    })),
  });
  await probot.ready();
  const octokits = new Map<string, Promise<Octokit>>();
  const tokens = new Map<string, Promise<{ readonly token: string; readonly expiresAt: number }>>();
  let botLogin: Promise<string> | undefined;

  function installation(tenant: string): Promise<Octokit> {
    const known = octokits.get(tenant);
    if (known !== undefined) return known;
    const made = probot.auth(installationId(tenant));
    octokits.set(tenant, made);
    // A failure is heard by those who wait for it; the next asker tries anew.
    made.catch(() => octokits.delete(tenant));
    return made;
  }

  async function ownLogin(): Promise<string> {
    botLogin ??= probot.auth().then(async (app) => {
      const { data } = await app.request('GET /app');
      return `${data?.slug ?? ''}[bot]`;
    });
    botLogin.catch(() => {
      botLogin = undefined;
    });
    return botLogin;
  }

  async function call<T>(
    what: string,
    repository: RepositoryRef,
    ask: (octokit: Octokit, at: GitHubRepository) => Promise<T>,
  ): Promise<T> {
    try {
      return await ask(await installation(repository.tenant), { owner: repository.owner, repo: repository.name });
    } catch (error) {
      throw error instanceof GitHostError
        ? error
        : gitHubError(`${what} in ${repository.owner}/${repository.name}`, error);
    }
  }

  async function cloneToken(repository: RepositoryRef): Promise<string> {
    const key = `${repository.tenant}/${repository.id}`;
    // Who asked for one that failed has heard of it; this one asks anew.
    const known = await tokens.get(key)?.catch(() => undefined);
    if (known !== undefined && known.expiresAt > Date.now() + tokenSlackMs) return known.token;
    const made = probot.auth().then(async (app) => {
      // Narrowed to one repository, for reading: what a stage's pod holds can do nothing else.
      const { data } = await app.request('POST /app/installations/{installation_id}/access_tokens', {
        installation_id: installationId(repository.tenant),
        repository_ids: [Number(repository.id)],
        permissions: { contents: 'read' },
      });
      return { token: data.token, expiresAt: Date.parse(data.expires_at) };
    });
    tokens.set(key, made);
    made.catch(() => tokens.delete(key));
    return (await made).token;
  }

  return { app: () => probot.auth(), installation, call, ownLogin, cloneToken };
}

function installationId(tenant: string): number {
  return Number(tenant.slice(tenant.indexOf(':') + 1));
}

export function isStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'status' in error && error.status === status;
}

/** Every request has a time limit; octokit itself has none. */
function fetchWithin(timeoutMs: number): typeof fetch {
  return (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(timeoutMs) });
}
