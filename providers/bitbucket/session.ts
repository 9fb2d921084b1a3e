import bitbucket from 'bitbucket';
import { z } from 'zod';
import { type BotSession, botSession } from '../bot-session.ts';
import { bitbucketError } from './error.ts';
import { requester } from './request.ts';
import { Account, personOf } from './schema.ts';

export type BitbucketApi = ReturnType<typeof client>;

/** A repository as the package's calls name it: the workspace's slug and the repository's uuid, which survives renames. */
export interface At {
  readonly workspace: string;
  readonly repo_slug: string;
}

/** Where Bitbucket Cloud is, and what Slipway proves itself with. */
export interface BitbucketOptions {
  /** `https://api.bitbucket.org/2.0` */
  readonly apiUrl: string;
  /** `https://bitbucket.org`: pages and clones. */
  readonly url: string;
  /** Address of the bot user. */
  readonly email: string;
  /** An API token of the bot user, who is an Admin of the repositories: nobody else may look up permissions. */
  readonly token: string;
  /** An access token that pods clone with; it may read repositories and nothing else, for it comes near to code of strangers. */
  readonly cloneToken: string;
  /** For one request; 15 seconds when left out. */
  readonly timeoutMs?: number;
}

/** Signed in to Bitbucket as one user. */
export type BitbucketSession = BotSession<BitbucketApi, At>;

const defaultTimeoutMs = 15_000;

function client({ apiUrl, email, token, timeoutMs = defaultTimeoutMs }: BitbucketOptions) {
  // Not by name: the package says that it exports one, and does not to ES modules.
  return new bitbucket.Bitbucket({
    baseUrl: apiUrl.replace(/\/+$/, ''),
    auth: { username: email, password: token },
    notice: false,
    request: { fetch: requester(apiUrl, timeoutMs) },
  });
}

export function bitbucketSession(options: BitbucketOptions): BitbucketSession {
  return botSession({
    api: client(options),
    at: (repository): At => ({ workspace: repository.owner, repo_slug: repository.id }),
    self: (api) => api.user.get({}).then(({ data }) => personOf(Account.parse(data))),
    toError: bitbucketError,
  });
}

/** A path below the API's address: each part escaped, so that names hold what they want. */
export function pathOf(at: At, ...parts: readonly string[]): string {
  return ['', 'repositories', at.workspace, at.repo_slug, ...parts].map(encodeURIComponent).join('/');
}

const Page = z.object({ values: z.array(z.unknown()), next: z.string().optional() });

/** All entries of a list that names its own next page. `isComplete` false: there were more than `maxPages`. */
export async function allPages<T>(
  api: BitbucketApi,
  entry: z.ZodType<T>,
  maxPages: number,
  first: () => Promise<{ readonly data: unknown }>,
): Promise<{ readonly entries: readonly T[]; readonly isComplete: boolean }> {
  const entries: T[] = [];
  let page = Page.parse((await first()).data);
  for (let count = 1; ; count += 1) {
    entries.push(...z.array(entry).parse(page.values));
    if (page.next === undefined) return { entries, isComplete: true };
    if (count === maxPages) return { entries, isComplete: false };
    page = Page.parse((await api.request({ method: 'GET', url: page.next })).data);
  }
}
