import { Sha } from '../../../engine/core/trigger.ts';
import { createGitLabHost } from '../../../providers/gitlab/adapter.ts';
import type { GitHostWorld } from '../../contract/git-host.ts';
import { type ConstructedGitLab, constructedGitLab, type GitLabState } from './constructed-gitlab.ts';

export const token = 'glpat-constructed-for-tests';
export const cloneToken = 'glpat-reads-code-alone';
const baseSha = Sha('a'.repeat(40));
const headSha = Sha('b'.repeat(40));
const states: Readonly<Record<string, string>> = { failed: 'failure' };
const active = { state: 'active', membership_state: 'active' };

/** The GitLab adapter against a constructed GitLab, with the contract's merge request. */
export async function gitLabWorld(
  options: { readonly timeoutMs?: number } = {},
): Promise<Omit<GitHostWorld, 'merge' | 'tag'> & { readonly gitlab: ConstructedGitLab }> {
  const writer = { id: 1, username: 'ann' };
  const state: GitLabState = {
    files: {
      [baseSha]: { 'a.txt': 'one\n' },
      [headSha]: { 'a.txt': 'two\n', 'b.txt': 'new\n', 'src/a b#c.txt': 'odd\n' },
    },
    branches: { main: baseSha, topic: headSha },
    diffs: ['a.txt', 'b.txt', 'src/a b#c.txt'].map((path) => ({ old_path: path, new_path: path })),
    mergeRequest: {
      iid: 3,
      title: 'Two',
      state: 'opened',
      source_branch: 'topic',
      target_branch: 'main',
      source_project_id: 7,
      target_project_id: 7,
      sha: headSha,
      // The merge base: never what the port calls the base.
      diff_refs: { base_sha: 'c'.repeat(40), head_sha: headSha, start_sha: 'c'.repeat(40) },
      changes_count: '3',
      draft: false,
      author: writer,
      labels: [],
    },
    users: [writer, { id: 2, username: 'bob' }, { id: 3, username: 'mallory' }],
    members: {
      1: { ...writer, ...active, access_level: 30 },
      2: { id: 2, username: 'bob', ...active, access_level: 20 },
    },
    groups: { 'acme/shippers': [1] },
    notes: [],
    awards: [],
    statuses: [],
    deployments: [],
  };
  const gitlab = await constructedGitLab(state, token);
  const { notes } = state;
  let lastNote = 0;
  return {
    gitlab,
    host: createGitLabHost({ url: gitlab.url, token, cloneToken, ...options }),
    repository: { provider: 'gitlab', tenant: 'gitlab:acme', id: '7', owner: 'acme/team', name: 'web' },
    number: 3,
    baseSha,
    headSha,
    team: 'acme/shippers',
    people: { writer: 'ann', reader: 'bob', stranger: 'mallory' },
    async comment(body) {
      lastNote += 1;
      notes.push({ id: lastNote, body, author: writer, system: false, created_at: '2026-01-01T00:00:00Z' });
      return String(lastNote);
    },
    comments: async () => notes.map(({ author, body }) => ({ author: author.username, body })),
    async deleteComment(id) {
      notes.splice(
        notes.findIndex((note) => String(note.id) === id),
        1,
      );
    },
    checks: async () => state.statuses.map(({ name, status }) => ({ name, state: states[status] ?? status })),
  };
}
