import { z } from 'zod';
import type { EmbeddedGitHost } from '../git-host/git-host.ts';
import { personalApi } from './api.ts';
import type { TourHost, TourPeople, TourPerson } from './tour-host.ts';

const Project = z.object({ id: z.number() });
const MergeRequest = z.object({ iid: z.number() });
const Merged = z.object({ merge_commit_sha: z.string() });
const Statuses = z.array(z.object({ name: z.string(), status: z.string() }));
const Notes = z.array(z.object({ body: z.string(), author: z.object({ username: z.string() }) }));
/** A place in a file, as comments name it. */
const place = /`([^`\s]+):(\d+)`/g;

/** The tour by GitLab's REST API. */
export function gitLabTour(host: EmbeddedGitHost, owner: string, name: string, people: TourPeople): TourHost {
  const { developer, bot } = people;
  const at = (project: string, person: TourPerson) =>
    personalApi(`${host.apiUrl}/projects/${encodeURIComponent(project)}`, person.token);
  const api = at(`${owner}/${name}`, developer);
  const statusesOf = (sha: string) => api.call('GET', `/repository/commits/${sha}/statuses?per_page=100`, Statuses);
  const comments = async (number: number) =>
    (await api.call('GET', `/merge_requests/${number}/notes?sort=asc&per_page=100`, Notes)).flatMap(
      ({ body, author }) => (author.username === bot ? [body] : []),
    );
  return {
    owner,
    cloneUrl: (of) => `${host.url}/${of}/${name}.git`,
    hasMain: () => api.has('/repository/branches/main'),
    async openPullRequest({ branch, title }, from) {
      const project = await api.call('GET', '', Project);
      // It is asked for where the branch is, and goes to where it came from.
      const source = from === undefined ? api : at(`${from.login}/${name}`, from);
      const request = { title, source_branch: branch, target_branch: 'main', target_project_id: project.id };
      return (await source.call('POST', '/merge_requests', MergeRequest, request)).iid;
    },
    async fork(person) {
      await at(`${owner}/${name}`, person).call('POST', '/fork', z.unknown(), {});
    },
    async comment(person, number, body) {
      await at(`${owner}/${name}`, person).call('POST', `/merge_requests/${number}/notes`, z.unknown(), { body });
    },
    async label(person, number, label) {
      const change = { add_labels: label };
      await at(`${owner}/${name}`, person).call('PUT', `/merge_requests/${number}`, z.unknown(), change);
      return true;
    },
    asksForConsent: async (number, headSha) => (await comments(number)).some((body) => body.includes(headSha)),
    commandPrefix: '/slipway ',
    merge: async (number, headSha) =>
      (await api.call('PUT', `/merge_requests/${number}/merge`, Merged, { sha: headSha })).merge_commit_sha,
    // GitLab has no annotations without a pipeline of its own: the comment names the lines.
    failingPlaces: async (number) =>
      (await comments(number)).flatMap((body) =>
        [...body.matchAll(place)].map(([, path = '', line]) => ({ by: 'comment', path, line: Number(line) })),
      ),
    failedChecks: async (sha) =>
      (await statusesOf(sha)).filter(({ status }) => status === 'failed').map(({ name: status }) => status),
    async openOrRedChecks(sha) {
      const statuses = await statusesOf(sha);
      if (statuses.length === 0) return ['none yet'];
      return statuses.filter(({ status }) => status !== 'success').map(({ name: status }) => status);
    },
    comments,
    pullRequestUrl: (number) => `${host.url}/${owner}/${name}/pull/${number}`,
  };
}
