import { z } from 'zod';
import { personalApi } from './api.ts';
import type { TourHost, TourPeople, TourPerson } from './tour-host.ts';
import { eventually } from './watch.ts';

const Pull = z.object({ number: z.number(), merge_commit_sha: z.string().nullish() });
const Combined = z.object({
  statuses: z.array(z.object({ context: z.string(), status: z.string(), description: z.string() })).nullable(),
});
const Comments = z.array(z.object({ body: z.string(), user: z.object({ login: z.string() }) }));
/** A place in a file, as comments name it. */
const place = /`([^`\s]+):(\d+)`/g;

/** The tour by Gitea's REST API. */
export function giteaTour(url: string, owner: string, name: string, people: TourPeople): TourHost {
  const { developer, bot } = people;
  // Their fork of an earlier tour is still there.
  const forkName = `${owner}-${name}`;
  const as = (person: TourPerson) => personalApi(`${url}/api/v1/repos/${owner}/${name}`, person.token);
  const api = as(developer);
  const statusesOf = async (sha: string) => (await api.call('GET', `/commits/${sha}/status`, Combined)).statuses ?? [];
  const comments = async (number: number) =>
    (await api.call('GET', `/issues/${number}/comments`, Comments)).flatMap(({ body, user }) =>
      user.login === bot ? [body] : [],
    );
  return {
    owner,
    cloneUrl: (of) => `${url}/${of}/${of === owner ? name : forkName}.git`,
    hasMain: () => api.has('/branches/main'),
    async openPullRequest({ branch, title }, from) {
      const head = from === undefined ? branch : `${from.login}:${branch}`;
      return (await as(from ?? developer).call('POST', '/pulls', Pull, { title, head, base: 'main' })).number;
    },
    async fork(person) {
      await as(person).call('POST', '/forks', z.unknown(), { name: forkName });
    },
    async comment(person, number, body) {
      await as(person).call('POST', `/issues/${number}/comments`, z.unknown(), { body });
    },
    async label(person, number, label) {
      const { id } = await as(person).call('POST', '/labels', z.object({ id: z.number() }), {
        name: label,
        color: '#b91c1c',
      });
      await as(person).call('POST', `/issues/${number}/labels`, z.unknown(), { labels: [id] });
      return true;
    },
    asksForConsent: async (number, headSha) =>
      (await comments(number)).some((body) => body.includes(headSha)) || (await statusesOf(headSha)).length > 0,
    commandPrefix: '/',
    async merge(number, headSha) {
      const merge = { Do: 'merge', head_commit_id: headSha };
      // "Please try again later", while Gitea still looks whether it can be merged.
      await eventually(`pull request ${number} to merge`, () =>
        api.call('POST', `/pulls/${number}/merge`, z.unknown(), merge).then(
          () => true,
          () => false,
        ),
      );
      return (await api.call('GET', `/pulls/${number}`, Pull)).merge_commit_sha ?? '';
    },
    // Gitea has no annotations: the comment names the lines.
    failingPlaces: async (number) =>
      (await comments(number)).flatMap((body) =>
        [...body.matchAll(place)].map(([, path = '', line]) => ({ by: 'comment', path, line: Number(line) })),
      ),
    failedChecks: async (sha) =>
      (await statusesOf(sha)).filter(({ status }) => status === 'failure').map(({ context }) => context),
    async openOrRedChecks(sha) {
      const statuses = await statusesOf(sha);
      if (statuses.length === 0) return ['none yet'];
      return statuses
        .filter(({ status }) => status !== 'success' && status !== 'skipped')
        .map(({ context }) => context);
    },
    comments,
    pullRequestUrl: (number) => `${url}/${owner}/${name}/pulls/${number}`,
  };
}
