import { expect } from 'vitest';
import { z } from 'zod';
import { isSha, Sha } from '../../../engine/core/trigger.ts';
import { createGiteaHost } from '../../../providers/gitea/adapter.ts';
import type { GitHostWorld } from '../../contract/git-host.ts';
import type { RealGitea } from './real-gitea.ts';

const Id = z.object({ id: z.number() });
const Commit = z.object({ commit: z.object({ sha: z.string() }) });
const Comments = z.array(z.object({ body: z.string(), user: z.object({ login: z.string() }) }));
const Statuses = z.object({ statuses: z.array(z.object({ context: z.string(), status: z.string() })).nullable() });
const file = (path: string, text: string) => ({ operation: 'create', path, content: btoa(text) });

/** A real organisation, in which the bot is an owner and the writer may write by a team alone. */
export interface GiteaOrganization {
  /** The bot's, with the scopes that the guide asks for. */
  readonly tokens: { readonly token: string; readonly cloneToken: string };
  readonly name: string;
  readonly team: string;
}

export async function giteaOrganization(gitea: RealGitea, name: string): Promise<GiteaOrganization> {
  const { ask, bot, dev } = gitea;
  await ask(bot, z.unknown(), 'POST', '/orgs', { username: name });
  const { id } = await ask(bot, Id, 'POST', `/orgs/${name}/teams`, {
    name: 'shippers',
    permission: 'write',
    includes_all_repositories: true,
    units_map: { 'repo.code': 'write', 'repo.issues': 'write', 'repo.pulls': 'write' },
  });
  await ask(bot, z.unknown(), 'PUT', `/teams/${id}/members/${dev.login}`);
  const token = await gitea.botToken(['write:repository', 'write:issue', 'read:organization', 'read:user']);
  return { name, team: `${name}/shippers`, tokens: { token, cloneToken: await gitea.botToken(['read:repository']) } };
}

/** The adapter on a real Gitea, with the contract's pull request in a repository of its own. */
export async function giteaWorld(
  gitea: RealGitea,
  { name: owner, team, tokens }: GiteaOrganization,
  name: string,
): Promise<GitHostWorld> {
  const { ask, bot, dev, outsider } = gitea;
  const at = `/repos/${owner}/${name}`;
  const { id } = await ask(bot, Id, 'POST', `/orgs/${owner}/repos`, { name, private: true, default_branch: 'main' });
  await ask(bot, z.unknown(), 'PUT', `${at}/collaborators/${outsider.login}`, { permission: 'read' });
  const commit = async (branch: string, files: readonly unknown[], from?: string) => {
    const asked = {
      message: 'Change',
      files,
      branch: from ?? branch,
      ...(from === undefined ? {} : { new_branch: branch }),
    };
    return Sha((await ask(dev, Commit, 'POST', `${at}/contents`, asked)).commit.sha);
  };
  const baseSha = await commit('main', [file('a.txt', 'one\n')]);
  const [{ sha: blob } = { sha: '' }] = await ask(
    dev,
    z.array(z.object({ sha: z.string() })),
    'GET',
    `${at}/contents?ref=main`,
  );
  const headSha = await commit(
    'topic',
    [
      { operation: 'update', path: 'a.txt', content: btoa('two\n'), sha: blob },
      file('b.txt', 'new\n'),
      file('src/a b#c.txt', 'odd\n'),
    ],
    'main',
  );
  if (!isSha(headSha)) throw new TypeError('no commit was made');
  const pull = { title: 'Two', head: 'topic', base: 'main' };
  const { number } = await ask(dev, z.object({ number: z.number() }), 'POST', `${at}/pulls`, pull);
  return {
    host: createGiteaHost({ url: gitea.url, ...tokens }),
    repository: { provider: 'gitea', tenant: `gitea:${owner}`, id: String(id), owner, name },
    number,
    baseSha,
    headSha,
    people: { writer: dev.login, reader: outsider.login, stranger: 'nobody-of-that-name' },
    team,
    comment: async (body) => String((await ask(dev, Id, 'POST', `${at}/issues/${number}/comments`, { body })).id),
    comments: async () =>
      (await ask(dev, Comments, 'GET', `${at}/issues/${number}/comments`)).map(({ body, user }) => ({
        author: user.login,
        body,
      })),
    tag: async (tag_name) => {
      await ask(dev, z.unknown(), 'POST', `${at}/tags`, { tag_name, target: headSha, message: `Release ${tag_name}` });
    },
    // Gitea finds out in its own time whether it may be merged.
    merge: () =>
      expect
        .poll(
          () =>
            ask(dev, z.unknown(), 'POST', `${at}/pulls/${number}/merge`, { Do: 'merge' }).then(
              () => 'merged',
              (error: unknown) => String(error),
            ),
          { timeout: 20_000, interval: 300 },
        )
        .toBe('merged'),
    deleteComment: async (commentId) => {
      await ask(bot, z.unknown(), 'DELETE', `${at}/issues/comments/${commentId}`);
    },
    checks: async () =>
      ((await ask(dev, Statuses, 'GET', `${at}/commits/${headSha}/status`)).statuses ?? []).map(
        ({ context, status }) => ({ name: context, state: status === 'pending' ? 'running' : status }),
      ),
  };
}
