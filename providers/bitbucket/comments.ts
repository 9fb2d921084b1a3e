import { z } from 'zod';
import type { GitHost } from '../git-host.ts';
import { isAnswer } from './error.ts';
import { Account, personOf } from './schema.ts';
import { type At, allPages, type BitbucketApi, type BitbucketSession } from './session.ts';

const maxPages = 10;

/** A deleted one stays, empty. */
export const StoredComment = z.object({
  id: z.number(),
  deleted: z.boolean().default(false),
  created_on: z.string(),
  content: z.object({ raw: z.string().nullish() }).nullish(),
  user: Account.nullish(),
});

/** Comments in the conversation of pull requests. */
export function comments(session: BitbucketSession): Pick<GitHost, 'ensureComment'> {
  return {
    ensureComment: (repository, number, { marker, body }, known) =>
      session.call(`Writing the comment on pull request ${number}`, repository, async (api, at) => {
        const sign = signOf(marker);
        const text = `${sign}\n\n${inTheirWords(body)}`;
        if (known !== undefined && (await edit(api, at, number, Number(known), text))) return known;
        const found =
          known === undefined ? await findComment(api, at, number, sign, (await session.self()).login) : undefined;
        if (found !== undefined && (await edit(api, at, number, found, text))) return String(found);
        return addComment(api, at, number, text);
      }),
  };
}

export async function addComment(api: BitbucketApi, at: At, number: number, raw: string): Promise<string> {
  const { data } = await api.pullrequests.createComment({
    ...at,
    pull_request_id: number,
    _body: { type: 'pullrequest_comment', content: { raw } },
  });
  return String(StoredComment.parse(data).id);
}

/** @returns false when someone deleted it */
async function edit(api: BitbucketApi, at: At, number: number, id: number, raw: string): Promise<boolean> {
  try {
    const { data } = await api.pullrequests.updateComment({
      ...at,
      pull_request_id: number,
      comment_id: id,
      _body: { type: 'pullrequest_comment', content: { raw } },
    });
    return !StoredComment.parse(data).deleted;
  } catch (error) {
    if (isAnswer(error, 404) || isAnswer(error, 410)) return false;
    throw error;
  }
}

/** Our own comment that starts with the sign. */
async function findComment(
  api: BitbucketApi,
  at: At,
  number: number,
  sign: string,
  ownLogin: string,
): Promise<number | undefined> {
  const { entries } = await allPages(api, StoredComment, maxPages, () =>
    api.pullrequests.listComments({ ...at, pull_request_id: number, pagelen: 100 }),
  );
  return entries.find(
    ({ deleted, user, content }) =>
      !deleted && personOf(user ?? {}).login === ownLogin && content?.raw?.startsWith(sign) === true,
  )?.id;
}

/**
 * `<!-- slipway -->` as Bitbucket can hide it: it shows HTML comments as text, but not the definition of a link that
 * nothing refers to.
 */
function signOf(marker: string): string {
  const words = marker.replaceAll(/[^\w]+/g, ' ').trim();
  return `[${words.replaceAll(' ', '-')}]: https://slipway.invalid/`;
}

/** An account's id, as it is or escaped for Markdown. */
const accountId = /(?<![\w@{:-])(?:\d{1,10}:[0-9a-f]{8}(?:\\?-[0-9a-f]{4}){3}\\?-[0-9a-f]{12}|[0-9a-f]{24})(?![\w}-])/g;

/**
 * Bitbucket shows tags as they are written: the few that comments of ours hold give way to Markdown. It shows people by
 * name only where they are mentioned by their account's id, which is what they are known by here. Code is left alone.
 */
export function inTheirWords(body: string): string {
  return body
    .split(/(^```[\s\S]*?^```|`+[^`\n]*`+)/m)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part
            .replaceAll(/<!--[\s\S]*?-->\n?/g, '')
            .replaceAll(/<summary>([\s\S]*?)<\/summary>/g, '\n**$1**\n')
            .replaceAll(/<\/?(?:sub|sup|details|b|i|br)\s*\/?>/g, '')
            .replaceAll(accountId, (id) => `@{${id.replaceAll('\\', '')}}`),
    )
    .join('');
}
