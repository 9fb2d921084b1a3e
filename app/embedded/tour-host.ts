import { z } from 'zod';
import type { EmbeddedGitHost } from './git-host/git-host.ts';
import type { TourHost } from './tour.ts';

const pull = z.object({ number: z.number() });
const merged = z.object({ sha: z.string() });
const checks = z.object({
  check_runs: z.array(
    z.object({ id: z.number(), name: z.string(), status: z.string(), conclusion: z.string().nullable() }),
  ),
});
const annotations = z.array(z.object({ path: z.string(), start_line: z.number() }));
const comments = z.array(z.object({ body: z.string(), user: z.object({ login: z.string() }) }));

/** The tour's developer at the embedded Git host, by its REST API and a token, as anybody would. */
export function tourHost(facts: {
  readonly host: EmbeddedGitHost;
  readonly owner: string;
  readonly name: string;
  readonly login: string;
  readonly token: string;
  readonly cloneUrl: string;
  /** Login under which Slipway comments. */
  readonly bot: string;
}): TourHost & { hasMain(): Promise<boolean> } {
  const { host, owner, name, login, token, cloneUrl, bot } = facts;

  async function ask(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${host.apiUrl}/repos/${owner}/${name}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/vnd.github+json',
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
  }

  async function call<T>(method: string, path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    const response = await ask(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 200)}`);
    return schema.parse(JSON.parse(text));
  }

  const checksOf = (sha: string) => call('GET', `/commits/${sha}/check-runs?per_page=100`, checks);

  return {
    cloneUrl,
    login,
    token,
    hasMain: async () => (await ask('GET', '/branches/main')).ok,
    openPullRequest: async ({ branch, title }) =>
      (await call('POST', '/pulls', pull, { title, head: branch, base: 'main', body: '' })).number,
    merge: async (number, headSha) => (await call('PUT', `/pulls/${number}/merge`, merged, { sha: headSha })).sha,
    failedChecks: async (sha) => {
      const failed = (await checksOf(sha)).check_runs.filter(({ conclusion }) => conclusion === 'failure');
      return Promise.all(
        failed.map(async ({ id, name: check }) => ({
          name: check,
          annotations: (await call('GET', `/check-runs/${id}/annotations`, annotations)).map(
            ({ path, start_line }) => ({ path, line: start_line }),
          ),
        })),
      );
    },
    openOrRedChecks: async (sha) => {
      const { check_runs } = await checksOf(sha);
      if (check_runs.length === 0) return ['none yet'];
      return check_runs
        .filter(({ conclusion }) => conclusion !== 'success' && conclusion !== 'skipped')
        .map(({ name: check }) => check);
    },
    comments: async (number) =>
      (await call('GET', `/issues/${number}/comments`, comments)).flatMap(({ body, user }) =>
        user.login === bot ? [body] : [],
      ),
    pullRequestUrl: (number) => `${host.url}/${owner}/${name}/pull/${number}`,
  };
}
