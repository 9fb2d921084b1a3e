import { z } from 'zod';
import type { GitHost } from '../git-host.ts';
import { isAnswer } from '../host-fault.ts';
import type { GiteaApi } from './request.ts';
import { Comment } from './schema.ts';
import type { At, GiteaSession } from './session.ts';

/** The comment that tells the story of a pull request. */
export function comments(session: GiteaSession): Pick<GitHost, 'ensureComment'> {
  return {
    ensureComment: (repository, number, { marker, body }, known) =>
      session.call(`Writing the comment on pull request ${number}`, repository, async (api, at) => {
        const text = `${marker}\n${body}`;
        if (known !== undefined) {
          try {
            await edit(api, at, known, text);
            return known;
          } catch (error) {
            // Someone deleted it: write it anew.
            if (!isAnswer(error, 404)) throw error;
          }
        }
        const found =
          known === undefined ? await findComment(api, at, number, marker, (await session.self()).id) : undefined;
        if (found === undefined) return write(api, at, number, text);
        await edit(api, at, found, text);
        return found;
      }),
  };
}

/** @returns its id */
export async function write(api: GiteaApi, at: At, number: number, body: string): Promise<string> {
  const { id } = await api.ask(Comment, 'POST', [...at, 'issues', String(number), 'comments'], { body: { body } });
  return String(id);
}

async function edit(api: GiteaApi, at: At, id: string, body: string): Promise<void> {
  await api.ask(z.unknown(), 'PATCH', [...at, 'issues', 'comments', id], { body: { body } });
}

/** Our own comment that starts with the marker. Gitea lists all of them at once. */
async function findComment(
  api: GiteaApi,
  at: At,
  number: number,
  marker: string,
  ownId: string,
): Promise<string | undefined> {
  const all = await api.ask(z.array(Comment), 'GET', [...at, 'issues', String(number), 'comments']);
  const found = all.find(({ body, user }) => String(user?.id) === ownId && body.startsWith(marker));
  return found === undefined ? undefined : String(found.id);
}
