import { pino } from 'pino';
import { Probot, ProbotOctokit } from 'probot';
import type { RepositoryRef, Sha } from '../../engine/core/trigger.ts';
import { isSha, Sha as toSha } from '../../engine/core/trigger.ts';
import type { CheckAnnotation, CheckRun, GitHost, GitHostCapabilities, PullRequest } from '../git-host.ts';
import { GitHostError } from '../git-host-error.ts';
import { gitHubError } from './error.ts';
import { redeliverMissed } from './missed-deliveries.ts';

type Octokit = InstanceType<typeof ProbotOctokit>;

const timeoutMs = 15_000;
const annotationsPerRequest = 50;
const tokenSlackMs = 5 * 60_000;
const perPage = 100;
const maxPages = 10;

export const gitHubCapabilities: GitHostCapabilities = {
  checks: 'check-runs',
  annotations: true,
  commentMaxChars: 65_536,
  checkTextMaxBytes: 65_535,
  foldedSections: true,
  deployments: true,
};

/** GitHub as a GitHub App, by probot. Its own throttling and retries are off: budgets and retries are the caller's. */
export async function createGitHubHost(options: {
  readonly appId: number;
  readonly privateKey: string;
  readonly webhookSecret: string;
  /** Absent for github.com. */
  readonly baseUrl?: string;
}): Promise<GitHost> {
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
      request: { fetch: fetchWithTimeout },
    })),
  });
  await probot.ready();
  const octokits = new Map<string, Promise<Octokit>>();
  const tokens = new Map<string, Promise<{ readonly token: string; readonly expiresAt: number }>>();
  let botLogin: Promise<string> | undefined;

  function octokitOf({ tenant }: RepositoryRef): Promise<Octokit> {
    const known = octokits.get(tenant);
    if (known !== undefined) return known;
    const made = probot.auth(installationId(tenant));
    octokits.set(tenant, made);
    made.catch(() => octokits.delete(tenant));
    return made;
  }

  /** Our own bot's login, so that another author's comment is never edited. */
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
    ask: (octokit: Octokit, at: { owner: string; repo: string }) => Promise<T>,
  ): Promise<T> {
    try {
      return await ask(await octokitOf(repository), { owner: repository.owner, repo: repository.name });
    } catch (error) {
      throw error instanceof GitHostError
        ? error
        : gitHubError(`${what} in ${repository.owner}/${repository.name}`, error);
    }
  }

  async function cloneToken(repository: RepositoryRef): Promise<string> {
    const key = `${repository.tenant}/${repository.id}`;
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

  return {
    capabilities: gitHubCapabilities,

    async redeliverMissed() {
      try {
        return await redeliverMissed(await probot.auth());
      } catch (error) {
        throw gitHubError('Looking for deliveries that were missed', error);
      }
    },

    readFile: (repository, sha, path, { maxBytes }) =>
      call(`Reading ${path}`, repository, async (octokit, at) => {
        try {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/contents/{path}', {
            ...at,
            path,
            ref: sha,
            mediaType: { format: 'raw' },
          });
          const text: unknown = data;
          if (typeof text !== 'string') return undefined;
          if (Buffer.byteLength(text) <= maxBytes) return text;
          throw new GitHostError({
            code: 'invalid',
            what: `Reading ${path}`,
            why: `It is larger than ${Math.round(maxBytes / 1_024)} kB`,
            fix: 'Make it smaller',
          });
        } catch (error) {
          if (isStatus(error, 404)) return undefined;
          throw error;
        }
      }),

    listFiles: (repository, sha) =>
      call('Listing files', repository, async (octokit, at) => {
        const { data } = await octokit.request('GET /repos/{owner}/{repo}/git/trees/{tree_sha}', {
          ...at,
          tree_sha: sha,
          recursive: '1',
        });
        const paths = data.tree.flatMap(({ path, type }) => (type === 'blob' && path !== undefined ? [path] : []));
        return { paths, isComplete: !data.truncated };
      }),

    changedFiles: (repository, baseSha, headSha) =>
      call('Comparing commits', repository, async (octokit, at) => {
        const { data } = await octokit.request('GET /repos/{owner}/{repo}/compare/{basehead}', {
          ...at,
          basehead: `${baseSha}...${headSha}`,
        });
        const files = data.files ?? [];
        // The first page lists 300 files at most.
        return {
          paths: files.flatMap(({ filename, previous_filename }) => [
            filename,
            ...(previous_filename === undefined ? [] : [previous_filename]),
          ]),
          isComplete: files.length < 300,
        };
      }),

    branchHead: (repository, branch) =>
      call(`Reading branch ${branch}`, repository, async (octokit, at) => {
        try {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/branches/{branch}', { ...at, branch });
          return toSha(data.commit.sha);
        } catch (error) {
          if (isStatus(error, 404)) return undefined;
          throw error;
        }
      }),

    pullRequest: (repository, number) =>
      call(`Reading pull request ${number}`, repository, async (octokit, at) => {
        try {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', {
            ...at,
            pull_number: number,
          });
          return toPullRequest(data);
        } catch (error) {
          if (isStatus(error, 404)) return undefined;
          throw error;
        }
      }),

    openPullRequests: (repository) =>
      call('Listing pull requests', repository, async (octokit, at) => {
        const found: PullRequest[] = [];
        for (let page = 1; page <= maxPages; page += 1) {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls', {
            ...at,
            state: 'open',
            per_page: perPage,
            page,
          });
          found.push(...data.flatMap((pull) => toPullRequest(pull) ?? []));
          if (data.length < perPage) break;
        }
        return found;
      }),

    permissionOf: (repository, login) =>
      call(`Looking up the permission of ${login}`, repository, async (octokit, at) => {
        try {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/collaborators/{username}/permission', {
            ...at,
            username: login,
          });
          const { permission } = data;
          return permission === 'admin' || permission === 'write' || permission === 'read' ? permission : 'none';
        } catch (error) {
          if (isStatus(error, 404)) return 'none';
          throw error;
        }
      }),

    cloneAccess: (repository) =>
      call('Getting read access for a clone', repository, async () => {
        const origin = options.baseUrl === undefined ? 'https://github.com' : new URL(options.baseUrl).origin;
        return {
          url: `${origin}/${repository.owner}/${repository.name}.git`,
          credential: { username: 'x-access-token', password: await cloneToken(repository) },
        };
      }),

    publishCheck: (repository, headSha, check, known) =>
      call(`Publishing check "${check.name}"`, repository, async (octokit, at) => {
        const [first = [], ...more] = batches(check.annotations);
        const body = checkBody(check, first);
        const id = known ?? (await findCheck(octokit, at, headSha, check));
        const { data } =
          id === undefined
            ? await octokit.request('POST /repos/{owner}/{repo}/check-runs', { ...at, ...body, head_sha: headSha })
            : await octokit.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', {
                ...at,
                ...body,
                check_run_id: Number(id),
              });
        for (const batch of more) {
          await octokit.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', {
            ...at,
            check_run_id: Number(data.id),
            ...checkBody(check, batch),
          });
        }
        return String(data.id);
      }),

    ensureComment: (repository, number, { marker, body }, known) =>
      call(`Writing the comment on pull request ${number}`, repository, async (octokit, at) => {
        const text = `${marker}\n${body}`;
        if (known !== undefined) {
          try {
            await octokit.request('PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', {
              ...at,
              comment_id: Number(known),
              body: text,
            });
            return known;
          } catch (error) {
            // Someone deleted it: look for it, then write it anew.
            if (!isStatus(error, 404)) throw error;
          }
        }
        const found = known === undefined ? await findComment(octokit, at, number, marker) : undefined;
        if (found !== undefined) {
          await octokit.request('PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', {
            ...at,
            comment_id: found,
            body: text,
          });
          return String(found);
        }
        const { data } = await octokit.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
          ...at,
          issue_number: number,
          body: text,
        });
        return String(data.id);
      }),

    publishDeployment: (repository, report, known) =>
      call(`Reporting the deployment to ${report.environment}`, repository, async (octokit, at) => {
        let id = known === undefined ? undefined : Number(known);
        if (id === undefined) {
          const { data } = await octokit.request('POST /repos/{owner}/{repo}/deployments', {
            ...at,
            ref: report.sha,
            environment: report.environment,
            description: report.description.slice(0, 140),
            auto_merge: false,
            required_contexts: [],
          });
          if (!('id' in data)) return undefined;
          id = Number(data.id);
        }
        await octokit.request('POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
          ...at,
          deployment_id: id,
          state: report.state,
          description: report.description.slice(0, 140),
          ...(report.url === undefined ? {} : { environment_url: report.url }),
        });
        return String(id);
      }),
  };

  async function findComment(
    octokit: Octokit,
    at: { owner: string; repo: string },
    number: number,
    marker: string,
  ): Promise<number | undefined> {
    const author = await ownLogin();
    for (let page = 1; page <= maxPages; page += 1) {
      const { data } = await octokit.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
        ...at,
        issue_number: number,
        per_page: perPage,
        page,
      });
      const found = data.find(({ body, user }) => user?.login === author && body?.startsWith(marker) === true);
      if (found !== undefined) return Number(found.id);
      if (data.length < perPage) return undefined;
    }
    return undefined;
  }
}

/** A check of ours that is there already, after a crash between the host's write and ours. */
async function findCheck(
  octokit: Octokit,
  at: { owner: string; repo: string },
  headSha: Sha,
  check: CheckRun,
): Promise<string | undefined> {
  if (check.mayExist !== true) return undefined;
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', {
    ...at,
    ref: headSha,
    check_name: check.name,
    filter: 'all',
  });
  const found = data.check_runs.find(({ external_id }) => external_id === check.externalId);
  return found === undefined ? undefined : String(found.id);
}

function checkBody(check: CheckRun, annotations: readonly CheckAnnotation[]) {
  const { state } = check;
  return {
    name: check.name,
    external_id: check.externalId,
    ...(check.detailsUrl === undefined ? {} : { details_url: check.detailsUrl }),
    ...(state.status === 'completed'
      ? {
          status: state.status,
          conclusion: state.conclusion,
          started_at: state.startedAt.toISOString(),
          completed_at: state.completedAt.toISOString(),
        }
      : state.status === 'in_progress'
        ? { status: state.status, started_at: state.startedAt.toISOString() }
        : { status: state.status }),
    output: {
      title: check.title,
      summary: check.summary,
      ...(check.text === undefined ? {} : { text: check.text }),
      annotations: annotations.map(({ path, startLine, endLine, level, title, message }) => ({
        path,
        start_line: startLine,
        end_line: endLine,
        annotation_level: level,
        title,
        message,
      })),
    },
  };
}

function batches(annotations: readonly CheckAnnotation[]): CheckAnnotation[][] {
  const all: CheckAnnotation[][] = [];
  for (let from = 0; from < annotations.length; from += annotationsPerRequest)
    all.push(annotations.slice(from, from + annotationsPerRequest));
  return all;
}

function toPullRequest(pull: {
  readonly number: number;
  readonly title: string;
  readonly draft?: boolean;
  readonly user: { readonly login: string } | null;
  readonly head: { readonly ref: string; readonly sha: string; readonly repo: { readonly id: number | bigint } | null };
  readonly base: { readonly ref: string; readonly sha: string; readonly repo: { readonly id: number | bigint } };
}): PullRequest | undefined {
  const { head, base } = pull;
  if (!isSha(head.sha) || !isSha(base.sha)) return undefined;
  return {
    number: pull.number,
    title: pull.title,
    headRef: head.ref,
    headSha: head.sha,
    isFork: head.repo?.id !== base.repo.id,
    baseRef: base.ref,
    baseSha: base.sha,
    isDraft: pull.draft ?? false,
    author: pull.user?.login ?? 'ghost',
  };
}

function installationId(tenant: string): number {
  return Number(tenant.slice(tenant.indexOf(':') + 1));
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'status' in error && error.status === status;
}

/** Every request has a time limit; octokit itself has none. */
function fetchWithTimeout(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  return fetch(input, { ...init, signal: AbortSignal.timeout(timeoutMs) });
}
