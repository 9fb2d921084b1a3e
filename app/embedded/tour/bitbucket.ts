import { z } from 'zod';
import type { EmbeddedGitHost } from '../git-host/git-host.ts';
import { personalApi } from './api.ts';
import type { TourHost, TourPeople, TourPerson } from './tour-host.ts';

const values = <T>(of: z.ZodType<T>) => z.object({ values: z.array(of) });
const Pull = z.object({ id: z.number(), source: z.object({ commit: z.object({ hash: z.string() }) }) });
const Branches = values(z.object({ target: z.object({ hash: z.string() }) }));
const Statuses = values(z.object({ name: z.string(), state: z.string() }));
const Reports = values(z.object({ external_id: z.string(), title: z.string() }));
const Annotations = values(z.object({ path: z.string(), line: z.number() }));
const Comments = values(
  z.object({
    deleted: z.boolean(),
    content: z.object({ raw: z.string() }),
    user: z.object({ nickname: z.string() }),
  }),
);

/** The tour by Bitbucket's REST API. */
export function bitbucketTour(host: EmbeddedGitHost, owner: string, name: string, people: TourPeople): TourHost {
  const { developer, bot } = people;
  const as = (person: TourPerson) => personalApi(`${host.apiUrl}/repositories/${owner}/${name}`, person.token);
  const api = as(developer);
  const mainHead = async () => {
    const q = encodeURIComponent('name = "main"');
    return (await api.call('GET', `/refs/branches?q=${q}`, Branches)).values[0]?.target.hash;
  };
  const statusesOf = async (sha: string) =>
    (await api.call('GET', `/commit/${sha}/statuses?pagelen=100`, Statuses)).values;
  const comments = async (number: number) =>
    (await api.call('GET', `/pullrequests/${number}/comments?pagelen=100`, Comments)).values.flatMap(
      ({ deleted, content, user }) => (!deleted && user.nickname === bot ? [content.raw] : []),
    );
  return {
    owner,
    cloneUrl: (of) => `${host.url}/${of}/${name}.git`,
    hasMain: async () => (await mainHead()) !== undefined,
    async openPullRequest({ branch, title }, from) {
      const source = {
        branch: { name: branch },
        ...(from === undefined ? {} : { repository: { full_name: `${from.login}/${name}` } }),
      };
      const request = { title, source, destination: { branch: { name: 'main' } } };
      return (await as(from ?? developer).call('POST', '/pullrequests', Pull, request)).id;
    },
    async fork(person) {
      await as(person).call('POST', '/forks', z.unknown(), {});
    },
    async comment(person, number, raw) {
      await as(person).call('POST', `/pullrequests/${number}/comments`, z.unknown(), { content: { raw } });
    },
    label: async () => false,
    asksForConsent: async (number, headSha) => (await comments(number)).some((body) => body.includes(headSha)),
    commandPrefix: '/',
    async merge(number, headSha) {
      const { source } = await api.call('GET', `/pullrequests/${number}`, Pull);
      if (!headSha.startsWith(source.commit.hash)) throw new Error(`Pull request ${number} moved on`);
      await api.call('POST', `/pullrequests/${number}/merge`, z.unknown(), {});
      return (await mainHead()) ?? '';
    },
    async failingPlaces(_number, headSha) {
      const reports = (await api.call('GET', `/commit/${headSha}/reports?pagelen=100`, Reports)).values;
      const found = await Promise.all(
        reports.map(async ({ external_id, title }) => {
          const path = `/commit/${headSha}/reports/${external_id}/annotations?pagelen=100`;
          return (await api.call('GET', path, Annotations)).values.map((each) => ({
            by: `report "${title}"`,
            ...each,
          }));
        }),
      );
      return found.flat();
    },
    failedChecks: async (sha) =>
      (await statusesOf(sha)).filter(({ state }) => state === 'FAILED').map(({ name: status }) => status),
    async openOrRedChecks(sha) {
      const statuses = await statusesOf(sha);
      if (statuses.length === 0) return ['none yet'];
      return statuses.filter(({ state }) => state !== 'SUCCESSFUL').map(({ name: status }) => status);
    },
    comments,
    pullRequestUrl: (number) => `${host.url}/${owner}/${name}/pull/${number}`,
  };
}
