import { z } from 'zod';
import type { Converses } from '../git-host.ts';
import { gitHubReactions } from '../reaction-words.ts';
import { write } from './comments.ts';
import type { GiteaApi } from './request.ts';
import { Account, Comment, personOf } from './schema.ts';
import { type At, type GiteaSession, orNone } from './session.ts';

const maxReactions = 1_000;
const maxLabels = 1_000;
/** Of a label that was not there yet. */
const labelColor = '#6b7280';

const { theirs, ours } = gitHubReactions;

const Reaction = z.object({ content: z.string(), user: Account.nullable() });
const Label = z.object({ id: z.number(), name: z.string() });

/** What is said in a pull request: comments, reactions, labels. */
export function conversation(session: GiteaSession): Converses {
  return {
    ownLogin: async () => (await session.self()).login,

    addComment: (repository, number, body) =>
      session.call(`Commenting on pull request ${number}`, repository, (api, at) => write(api, at, number, body)),

    comment: (repository, number, commentId) =>
      session.call(`Reading a comment of pull request ${number}`, repository, async (api, at) => {
        const path = [...at, 'issues', 'comments', commentId];
        // It answers nothing at all for what is in the conversation and no comment.
        const found = await orNone(api, at, api.ask(Comment.optional(), 'GET', path));
        if (found === undefined || found.pull_request_url?.endsWith(`/pulls/${number}`) !== true) return undefined;
        return {
          id: commentId,
          author: found.user === null ? { login: 'ghost', id: '' } : personOf(found.user),
          body: found.body,
          createdAt: new Date(found.created_at),
        };
      }),

    react: (repository, number, commentId, content) =>
      session.call(`Reacting to a comment of pull request ${number}`, repository, async (api, at) => {
        await api.ask(z.unknown(), 'POST', [...at, 'issues', 'comments', commentId, 'reactions'], {
          body: { content: theirs[content] },
        });
      }),

    reactions: (repository, number, commentId) =>
      session.call(`Reading the reactions on pull request ${number}`, repository, async (api, at) => {
        const path = [...at, 'issues', 'comments', commentId, 'reactions'];
        const found = (await api.ask(z.array(Reaction).nullable(), 'GET', path)) ?? [];
        return found.slice(0, maxReactions).flatMap(({ content, user }) => {
          const known = ours(content);
          return known === undefined || user === null ? [] : [{ by: personOf(user), content: known }];
        });
      }),

    labels: (repository, number) =>
      session.call(`Reading the labels of pull request ${number}`, repository, async (api, at) =>
        (await labelsOf(api, at, number)).map(({ name }) => name),
      ),

    changeLabels: (repository, number, { add = [], remove = [] }) =>
      session.call(`Changing the labels of pull request ${number}`, repository, async (api, at) => {
        const now = await labelsOf(api, at, number);
        const missing = add.filter((name) => now.every((label) => label.name !== name));
        if (missing.length > 0) {
          // A name that no label has is passed over without a word.
          const labels = await labelIds(api, at, missing);
          await api.ask(z.unknown(), 'POST', [...at, 'issues', String(number), 'labels'], { body: { labels } });
        }
        for (const { id, name } of now) {
          if (!remove.includes(name)) continue;
          await api.ask(z.unknown(), 'DELETE', [...at, 'issues', String(number), 'labels', String(id)]);
        }
      }),

    ensureLabels: (repository, labels) =>
      session.call('Making labels', repository, async (api, at) => {
        const { entries } = await api.all(Label, [...at, 'labels'], maxLabels);
        const made = labels.filter(({ name }) => entries.every((label) => label.name !== name));
        for (const { name, color, description } of made)
          await api.ask(Label, 'POST', [...at, 'labels'], { body: { name, color: `#${color}`, description } });
        return made.map(({ name }) => name);
      }),
  };
}

async function labelsOf(api: GiteaApi, at: At, number: number): Promise<z.infer<typeof Label>[]> {
  return (await api.ask(z.array(Label).nullable(), 'GET', [...at, 'issues', String(number), 'labels'])) ?? [];
}

/** Of the repository's labels, or made there. */
async function labelIds(api: GiteaApi, at: At, names: readonly string[]): Promise<readonly number[]> {
  const { entries } = await api.all(Label, [...at, 'labels'], maxLabels);
  const ids: number[] = [];
  for (const name of names) {
    const found =
      entries.find((label) => label.name === name) ??
      (await api.ask(Label, 'POST', [...at, 'labels'], { body: { name, color: labelColor } }));
    ids.push(found.id);
  }
  return ids;
}
