import { createGitHubHost } from '../../../providers/github/adapter.ts';
import { installationOctokit, octokitWith, startWorld } from '../../app/embedded/git-host/running-host.ts';
import type { GitHostWorld } from '../../contract/git-host.ts';
import { pushContractBranches, pushTag } from '../contract-repository.ts';

const at = { owner: 'acme', repo: 'web' };
const states: Readonly<Record<string, string>> = { in_progress: 'running', queued: 'queued' };

/** The GitHub adapter against the embedded Git host, with the contract's pull request. */
export async function gitHubWorld({
  requestsPerHour,
  ...options
}: {
  readonly timeoutMs?: number;
  readonly requestsPerHour?: number;
} = {}) {
  const world = await startWorld(requestsPerHour === undefined ? {} : { requestsPerHour });
  const { host: embedded, app, installationId, clone } = world;
  const { baseSha, headSha } = await pushContractBranches(clone);
  const ann = octokitWith(embedded, world.annToken);
  const { data: pull } = await ann.rest.pulls.create({ ...at, title: 'Two', head: 'topic', base: 'main' });
  const host = await createGitHubHost({
    appId: app.appId,
    privateKey: app.privateKey,
    webhookSecret: 's3cret',
    baseUrl: embedded.apiUrl,
    ...options,
  });
  embedded.setTeam('acme', 'shippers', ['ann']);
  const contract: GitHostWorld = {
    host,
    repository: {
      provider: 'github',
      tenant: `github:${installationId}`,
      id: String(world.repository.id),
      owner: 'acme',
      name: 'web',
    },
    number: pull.number,
    baseSha,
    headSha,
    team: 'acme/shippers',
    people: { writer: 'ann', reader: 'bob', stranger: 'mallory' },
    async comment(body) {
      return String((await ann.rest.issues.createComment({ ...at, issue_number: pull.number, body })).data.id);
    },
    async comments() {
      const { data } = await ann.rest.issues.listComments({ ...at, issue_number: pull.number });
      return data.map(({ user, body }) => ({ author: user?.login ?? '', body: body ?? '' }));
    },
    tag: (name) => pushTag(clone, name),
    async merge() {
      await ann.rest.pulls.merge({ ...at, pull_number: pull.number });
    },
    async deleteComment(id) {
      await ann.rest.issues.deleteComment({ ...at, comment_id: Number(id) });
    },
    async checks() {
      const { data } = await installationOctokit(world).rest.checks.listForRef({ ...at, ref: headSha });
      return data.check_runs.map(({ name, status, conclusion, output }) => ({
        name,
        state: conclusion ?? states[status] ?? status,
        annotations: output.annotations_count,
      }));
    },
  };
  return { ...contract, embedded, clone };
}
