import type { Converses } from '../git-host.ts';
import { isAnswer } from '../host-fault.ts';
import { reactionWords } from '../reaction-words.ts';
import { withoutQuickActions } from './comments.ts';
import { allPages, type GitLabSession } from './session.ts';

const maxPages = 10;

const { theirs, ours } = reactionWords({
  thumbs_up: 'thumbsup',
  thumbs_down: 'thumbsdown',
  rocket: 'rocket',
  eyes: 'eyes',
  confused: 'confused',
} as const);

/** What is said in a merge request: notes, award emoji, labels. */
export function conversation(session: GitLabSession): Converses {
  return {
    ownLogin: async () => (await session.self()).login,

    addComment: (repository, number, body) =>
      session.call(`Commenting on merge request ${number}`, repository, async (api, projectId) => {
        const { id } = await api.MergeRequestNotes.create(projectId, number, withoutQuickActions(body));
        return String(id);
      }),

    comment: (repository, number, commentId) =>
      session.call(`Reading a comment of merge request ${number}`, repository, async (api, projectId) => {
        try {
          const { author, body, created_at } = await api.MergeRequestNotes.show(projectId, number, Number(commentId));
          return {
            id: commentId,
            author: { login: author.username, id: String(author.id) },
            body,
            createdAt: new Date(created_at),
          };
        } catch (error) {
          if (isAnswer(error, 404, /^404 (?:note )?not found/i)) return undefined;
          throw error;
        }
      }),

    react: (repository, number, commentId, content) =>
      session.call(`Reacting to a comment of merge request ${number}`, repository, async (api, projectId) => {
        try {
          await api.MergeRequestNoteAwardEmojis.award(projectId, number, Number(commentId), theirs[content]);
        } catch (error) {
          // GitLab says 404 to a second one of the same name.
          if (!isAnswer(error, 404, /already been taken/i)) throw error;
        }
      }),

    reactions: (repository, number, commentId) =>
      session.call(`Reading the reactions on merge request ${number}`, repository, async (api, projectId) => {
        const { entries } = await allPages(maxPages, (page) =>
          api.MergeRequestNoteAwardEmojis.all(projectId, number, Number(commentId), page),
        );
        return entries.flatMap(({ name, user }) => {
          const content = ours(name);
          return content === undefined ? [] : [{ by: { login: user.username, id: String(user.id) }, content }];
        });
      }),

    labels: (repository, number) =>
      session.call(`Reading the labels of merge request ${number}`, repository, async (api, projectId) => {
        const { labels = [] } = await api.MergeRequests.show(projectId, number);
        return labels.map((label) => (typeof label === 'string' ? label : label.name));
      }),

    changeLabels: (repository, number, { add = [], remove = [] }) =>
      session.call(`Changing the labels of merge request ${number}`, repository, async (api, projectId) => {
        if (add.length + remove.length === 0) return;
        await api.MergeRequests.edit(projectId, number, {
          ...(add.length === 0 ? {} : { addLabels: add.join(',') }),
          ...(remove.length === 0 ? {} : { removeLabels: remove.join(',') }),
        });
      }),

    ensureLabels: (repository, labels) =>
      session.call('Making labels', repository, async (api, projectId) => {
        // Those of the groups above are among them.
        const { entries } = await allPages(maxPages, (page) => api.ProjectLabels.all(projectId, page));
        const made = labels.filter(({ name }) => entries.every((label) => label.name !== name));
        for (const { name, color, description } of made) {
          try {
            await api.ProjectLabels.create(projectId, name, `#${color}`, { description });
          } catch (error) {
            // Somebody else made it meanwhile.
            if (!isAnswer(error, 409)) throw error;
          }
        }
        return made.map(({ name }) => name);
      }),
  };
}
