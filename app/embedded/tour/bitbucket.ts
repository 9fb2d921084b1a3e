import { z } from 'zod';
import type { EmbeddedGitHost } from '../git-host/git-host.ts';
import { personalApi } from './api.ts';
import type { TourHost, TourPeople } from './tour-host.ts';

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
  const api = personalApi(`${host.apiUrl}/repositories/${owner}/${name}`, developer.token);
  const mainHead = async () => {
    const q = encodeURIComponent('name = "main"');
    return (await api.call('GET', `/refs/branches?q=${q}`, Branches)).values[0]?.target.hash;
  };
  const statusesOf = async (sha: string) =>
    (await api.call('GET', `/commit/${sha}/statuses?pagelen=100`, Statuses)).values;
  return {
    owner,
    cloneUrl: (of) => `${host.url}/${of}/${name}.git`,
    hasMain: async () => (await mainHead()) !== undefined,
    openPullRequest: async ({ branch, title }) =>
      (
        await api.call('POST', '/pullrequests', Pull, {
          title,
          source: { branch: { name: branch } },
          destination: { branch: { name: 'main' } },
        })
      ).id,
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
    comments: async (number) =>
      (await api.call('GET', `/pullrequests/${number}/comments?pagelen=100`, Comments)).values.flatMap(
        ({ deleted, content, user }) => (!deleted && user.nickname === bot ? [content.raw] : []),
      ),
    pullRequestUrl: (number) => `${host.url}/${owner}/${name}/pull/${number}`,
  };
}
