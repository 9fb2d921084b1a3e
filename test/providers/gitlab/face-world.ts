import { z } from 'zod';
import { createGitLabHost } from '../../../providers/gitlab/adapter.ts';
import type { GitHostWorld } from '../../contract/git-host.ts';
import { ask, pushTag, startFace } from '../contract-repository.ts';
import { cloneToken } from './world.ts';

const states: Readonly<Record<string, string>> = { failed: 'failure' };

const MergeRequest = z.object({ iid: z.number() });
const Note = z.object({ id: z.number(), body: z.string(), author: z.object({ username: z.string() }) });
const Status = z.object({ id: z.number(), name: z.string(), status: z.string() });

/** The GitLab adapter against the embedded Git host with GitLab's face, with the contract's merge request. */
export async function gitLabFaceWorld() {
  const world = await startFace('gitlab');
  const { host: embedded, person, repository, baseSha, headSha } = world;
  const ann = person('ann').token;
  embedded.setTeam('acme', 'shippers', ['ann']);
  const api = `${embedded.apiUrl}/projects/${repository.id}`;
  const made = await ask(`${api}/merge_requests`, ann, {
    method: 'POST',
    body: { title: 'Two', source_branch: 'topic', target_branch: 'main' },
  });
  const { iid: number } = MergeRequest.parse(made);
  const notes = `${api}/merge_requests/${number}/notes`;
  const contract: GitHostWorld = {
    host: createGitLabHost({ url: embedded.url, token: person('slipway-bot').token, cloneToken }),
    repository: { provider: 'gitlab', tenant: 'gitlab:acme', id: String(repository.id), owner: 'acme', name: 'web' },
    number,
    baseSha,
    headSha,
    team: 'acme/shippers',
    people: { writer: 'ann', reader: 'bob', stranger: 'mallory' },
    async comment(body) {
      return String(Note.parse(await ask(notes, ann, { method: 'POST', body: { body } })).id);
    },
    async comments() {
      const found = z.array(Note).parse(await ask(`${notes}?sort=asc&per_page=100`, ann));
      return found.map(({ author, body }) => ({ author: author.username, body }));
    },
    tag: (name) => pushTag(world.clone, name),
    async merge() {
      await ask(`${api}/merge_requests/${number}/merge`, ann, { method: 'PUT', body: {} });
    },
    async deleteComment(id) {
      await ask(`${notes}/${id}`, person('slipway-bot').token, { method: 'DELETE' });
    },
    async checks() {
      const found = z.array(Status).parse(await ask(`${api}/repository/commits/${headSha}/statuses?per_page=100`, ann));
      return found.map(({ name, status }) => ({ name, state: states[status] ?? status }));
    },
  };
  return { ...world, ...contract, embedded, api, notes };
}
