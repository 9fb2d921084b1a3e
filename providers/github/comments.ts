import type { GitHost } from '../git-host.ts';
import { type GitHubRepository, type GitHubSession, isStatus, type Octokit } from './session.ts';

const perPage = 100;
const maxPages = 10;

/** Comments on pull requests. */
export function comments(session: GitHubSession): Pick<GitHost, 'ensureComment'> {
  return {
    ensureComment: (repository, number, { marker, body }, known) =>
      session.call(`Writing the comment on pull request ${number}`, repository, async (octokit, at) => {
        const text = `${marker}\n${body}`;
        if (known !== undefined) {
          try {
            await octokit.request('PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', {
              ...at,
              comment_id: Number(known),
              body: text,
            });
            return known;
          } catch (error) {
            // Someone deleted it: look for it, then write it anew.
            if (!isStatus(error, 404)) throw error;
          }
        }
        const found = known === undefined ? await findComment(session, octokit, at, number, marker) : undefined;
        if (found !== undefined) {
          await octokit.request('PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', {
            ...at,
            comment_id: found,
            body: text,
          });
          return String(found);
        }
        const { data } = await octokit.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
          ...at,
          issue_number: number,
          body: text,
        });
        return String(data.id);
      }),
  };
}

/** Our own comment that starts with the marker. */
async function findComment(
  session: GitHubSession,
  octokit: Octokit,
  at: GitHubRepository,
  number: number,
  marker: string,
): Promise<number | undefined> {
  const author = await session.ownLogin();
  for (let page = 1; page <= maxPages; page += 1) {
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
      ...at,
      issue_number: number,
      per_page: perPage,
      page,
    });
    const found = data.find(({ body, user }) => user?.login === author && body?.startsWith(marker) === true);
    if (found !== undefined) return Number(found.id);
    if (data.length < perPage) return undefined;
  }
  return undefined;
}
