import type { Converses } from '../git-host.ts';
import { addComment, inTheirWords, StoredComment } from './comments.ts';
import { isAnswer } from './error.ts';
import { personOf } from './schema.ts';
import type { BitbucketSession } from './session.ts';

/** What is said in a pull request. There are no reactions and no labels here: replies and commands take their place. */
export function conversation(session: BitbucketSession): Converses {
  return {
    ownLogin: async () => (await session.self()).login,

    addComment: (repository, number, body) =>
      session.call(`Commenting on pull request ${number}`, repository, (api, at) =>
        addComment(api, at, number, inTheirWords(body)),
      ),

    comment: (repository, number, commentId) =>
      session.call(`Reading a comment of pull request ${number}`, repository, async (api, at) => {
        try {
          const { data } = await api.pullrequests.getComment({
            ...at,
            pull_request_id: number,
            comment_id: Number(commentId),
          });
          const { deleted, user, content, created_on } = StoredComment.parse(data);
          if (deleted) return undefined;
          return {
            id: commentId,
            author: personOf(user ?? {}),
            body: content?.raw ?? '',
            createdAt: new Date(created_on),
          };
        } catch (error) {
          if (!isAnswer(error, 404)) throw error;
          // A repository that is not seen is no missing comment.
          await api.repositories.get({ ...at });
          return undefined;
        }
      }),

    react: async () => undefined,
    reactions: async () => [],
    labels: async () => [],
    changeLabels: async () => undefined,
    ensureLabels: async () => [],
  };
}
