import type { Converses, Reaction } from '../git-host.ts';
import { gitHubReactions } from '../reaction-words.ts';
import { gitHubError } from './error.ts';
import { type GitHubSession, isStatus } from './session.ts';

const perPage = 100;
const maxPages = 10;

const { theirs, ours } = gitHubReactions;

/** What is said in a pull request. At GitHub it is an issue for that. */
export function conversation(session: GitHubSession): Converses {
  return {
    async ownLogin() {
      try {
        return await session.ownLogin();
      } catch (error) {
        throw gitHubError("Asking for the App's name", error);
      }
    },

    addComment: (repository, number, body) =>
      session.call(`Commenting on pull request ${number}`, repository, async (octokit, at) => {
        const { data } = await octokit.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
          ...at,
          issue_number: number,
          body,
        });
        return String(data.id);
      }),

    comment: (repository, number, commentId) =>
      session.call(`Reading a comment of pull request ${number}`, repository, async (octokit, at) => {
        try {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/issues/comments/{comment_id}', {
            ...at,
            comment_id: Number(commentId),
          });
          if (!data.issue_url.endsWith(`/${number}`)) return undefined;
          return {
            id: commentId,
            author: { login: data.user?.login ?? 'ghost', id: String(data.user?.id ?? '') },
            body: data.body ?? '',
            createdAt: new Date(data.created_at),
          };
        } catch (error) {
          if (isStatus(error, 404)) return undefined;
          throw error;
        }
      }),

    react: (repository, number, commentId, content) =>
      session.call(`Reacting to a comment of pull request ${number}`, repository, async (octokit, at) => {
        await octokit.request('POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions', {
          ...at,
          comment_id: Number(commentId),
          content: theirs[content],
        });
      }),

    reactions: (repository, number, commentId) =>
      session.call(`Reading the reactions on pull request ${number}`, repository, async (octokit, at) => {
        const found: Reaction[] = [];
        for (let page = 1; page <= maxPages; page += 1) {
          const { data } = await octokit.request('GET /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions', {
            ...at,
            comment_id: Number(commentId),
            per_page: perPage,
            page,
          });
          for (const { user, content } of data) {
            const known = ours(content);
            if (known !== undefined && user !== null) {
              found.push({ by: { login: user.login, id: String(user.id) }, content: known });
            }
          }
          if (data.length < perPage) break;
        }
        return found;
      }),

    labels: (repository, number) =>
      session.call(`Reading the labels of pull request ${number}`, repository, async (octokit, at) => {
        const { data } = await octokit.request('GET /repos/{owner}/{repo}/issues/{issue_number}/labels', {
          ...at,
          issue_number: number,
          per_page: perPage,
        });
        return data.map(({ name }) => name);
      }),

    changeLabels: (repository, number, { add = [], remove = [] }) =>
      session.call(`Changing the labels of pull request ${number}`, repository, async (octokit, at) => {
        if (add.length > 0) {
          await octokit.request('POST /repos/{owner}/{repo}/issues/{issue_number}/labels', {
            ...at,
            issue_number: number,
            labels: [...add],
          });
        }
        for (const name of remove) {
          try {
            await octokit.request('DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}', {
              ...at,
              issue_number: number,
              name,
            });
          } catch (error) {
            if (!isStatus(error, 404)) throw error;
          }
        }
      }),

    ensureLabels: (repository, labels) =>
      session.call('Making labels', repository, async (octokit, at) => {
        const made: string[] = [];
        for (const { name, color, description } of labels) {
          try {
            await octokit.request('GET /repos/{owner}/{repo}/labels/{name}', { ...at, name });
          } catch (error) {
            if (!isStatus(error, 404)) throw error;
            await octokit.request('POST /repos/{owner}/{repo}/labels', { ...at, name, color, description });
            made.push(name);
          }
        }
        return made;
      }),
  };
}
