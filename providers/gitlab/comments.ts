import type { GitHost } from '../git-host.ts';
import { isAnswer } from '../host-fault.ts';
import { allPages, type GitLabApi, type GitLabSession } from './session.ts';

const maxPages = 10;

/** Notes on merge requests. */
export function comments(session: GitLabSession): Pick<GitHost, 'ensureComment'> {
  return {
    ensureComment: (repository, number, { marker, body }, known) =>
      session.call(`Writing the comment on merge request ${number}`, repository, async (api, projectId) => {
        const text = withoutQuickActions(`${marker}\n${body}`);
        if (known !== undefined) {
          try {
            await api.MergeRequestNotes.edit(projectId, number, Number(known), { body: text });
            return known;
          } catch (error) {
            // Someone deleted it: write it anew.
            if (!isAnswer(error, 404)) throw error;
          }
        }
        const found =
          known === undefined
            ? await findComment(api, projectId, number, marker, (await session.self()).id)
            : undefined;
        if (found !== undefined) {
          await api.MergeRequestNotes.edit(projectId, number, found, { body: text });
          return String(found);
        }
        const { id } = await api.MergeRequestNotes.create(projectId, number, text);
        return String(id);
      }),
  };
}

/** Our own comment that starts with the marker. */
async function findComment(
  api: GitLabApi,
  projectId: string,
  number: number,
  marker: string,
  ownId: string,
): Promise<number | undefined> {
  const { entries } = await allPages(maxPages, (page) =>
    api.MergeRequestNotes.all(projectId, number, { sort: 'asc', orderBy: 'created_at', ...page }),
  );
  return entries.find(({ body, author, system }) => !system && String(author.id) === ownId && body.startsWith(marker))
    ?.id;
}

/**
 * GitLab would carry out a line that starts with `/` in the name of our bot, whoever's words it repeats. A word joiner,
 * which nobody sees, stands before it then. Not before our own commands: they are none of GitLab's, and people copy them.
 */
export function withoutQuickActions(body: string): string {
  return body.replace(/^(\s*)\/(?!slipway[ \t])/gm, '$1\u2060/');
}
