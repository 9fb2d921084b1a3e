import { z } from 'zod';
import type { EmbeddedGitHost } from '../git-host/git-host.ts';
import { personalApi } from './api.ts';
import type { TourHost, TourPeople, TourPerson } from './tour-host.ts';

const Pull = z.object({ number: z.number() });
const Merged = z.object({ sha: z.string() });
const Checks = z.object({
  check_runs: z.array(
    z.object({ id: z.number(), name: z.string(), status: z.string(), conclusion: z.string().nullable() }),
  ),
});
const Annotations = z.array(z.object({ path: z.string(), start_line: z.number() }));
const Comments = z.array(z.object({ body: z.string(), user: z.object({ login: z.string() }) }));

/** The tour by GitHub's REST API. */
export function gitHubTour(host: EmbeddedGitHost, owner: string, name: string, people: TourPeople): TourHost {
  const { developer, bot } = people;
  const as = (person: TourPerson) => personalApi(`${host.apiUrl}/repos/${owner}/${name}`, person.token);
  const api = as(developer);
  const checksOf = async (sha: string) =>
    (await api.call('GET', `/commits/${sha}/check-runs?per_page=100`, Checks)).check_runs;
  const failed = async (sha: string) => (await checksOf(sha)).filter(({ conclusion }) => conclusion === 'failure');
  return {
    owner,
    cloneUrl: (of) => `${host.url}/${of}/${name}.git`,
    hasMain: () => api.has('/branches/main'),
    async openPullRequest({ branch, title }, from) {
      const head = from === undefined ? branch : `${from.login}:${branch}`;
      const body = { title, head, base: 'main', body: '' };
      return (await as(from ?? developer).call('POST', '/pulls', Pull, body)).number;
    },
    async fork(person) {
      await as(person).call('POST', '/forks', z.unknown(), {});
    },
    async comment(person, number, body) {
      await as(person).call('POST', `/issues/${number}/comments`, z.unknown(), { body });
    },
    async label(person, number, label) {
      await as(person).call('POST', `/issues/${number}/labels`, z.unknown(), { labels: [label] });
      return true;
    },
    asksForConsent: async (_number, headSha) =>
      (await checksOf(headSha)).some(({ name: check }) => check === 'slipway / consent'),
    commandPrefix: '/',
    merge: async (number, headSha) => (await api.call('PUT', `/pulls/${number}/merge`, Merged, { sha: headSha })).sha,
    async failingPlaces(_number, headSha) {
      const found = await Promise.all(
        (await failed(headSha)).map(async ({ id, name: check }) =>
          (await api.call('GET', `/check-runs/${id}/annotations`, Annotations)).map(({ path, start_line }) => ({
            by: `check "${check}"`,
            path,
            line: start_line,
          })),
        ),
      );
      return found.flat();
    },
    failedChecks: async (sha) => (await failed(sha)).map(({ name: check }) => check),
    async openOrRedChecks(sha) {
      const checks = await checksOf(sha);
      if (checks.length === 0) return ['none yet'];
      return checks
        .filter(({ conclusion }) => conclusion !== 'success' && conclusion !== 'skipped')
        .map(({ name: check }) => check);
    },
    comments: async (number) =>
      (await api.call('GET', `/issues/${number}/comments?per_page=100`, Comments)).flatMap(({ body, user }) =>
        user.login === bot ? [body] : [],
      ),
    pullRequestUrl: (number) => `${host.url}/${owner}/${name}/pull/${number}`,
  };
}
