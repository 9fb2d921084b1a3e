import { Gitlab } from '@gitbeaker/rest';
import { type BotSession, botSession } from '../bot-session.ts';
import { gitLabError } from './error.ts';
import { requester } from './request.ts';

export type GitLabApi = ReturnType<typeof client>;

/** Where GitLab is, and what Slipway proves itself with. */
export interface GitLabOptions {
  /** `https://gitlab.com`, or a self-managed one, with its path where it has one. */
  readonly url: string;
  /** Of a bot user that is a Maintainer of the projects; scope `api`. */
  readonly token: string;
  /** What pods clone with; scope `read_repository` alone, for it comes near to code of strangers. */
  readonly cloneToken: string;
  /** For one request; 15 seconds when left out. */
  readonly timeoutMs?: number;
}

/** Signed in to GitLab as one user. */
export type GitLabSession = BotSession<GitLabApi, string>;

const defaultTimeoutMs = 15_000;
const perPage = 100;

function client({ url, token, timeoutMs = defaultTimeoutMs }: GitLabOptions) {
  return new Gitlab<false>({
    host: url.replace(/\/+$/, ''),
    // As a Bearer token, which personal, project and group tokens may be sent as too.
    oauthToken: token,
    requesterFn: requester(timeoutMs),
  });
}

export function gitLabSession(options: GitLabOptions): GitLabSession {
  return botSession({
    api: client(options),
    at: (repository): string => repository.id,
    self: (api) => api.Users.showCurrentUser().then(({ username, id }) => ({ login: username, id: String(id) })),
    toError: gitLabError,
  });
}

/** All entries of a list that is asked for page by page. `isComplete` false: there were more than `maxPages`. */
export async function allPages<T>(
  maxPages: number,
  ask: (page: { readonly page: number; readonly perPage: number }) => Promise<readonly T[]>,
): Promise<{ readonly entries: readonly T[]; readonly isComplete: boolean }> {
  const entries: T[] = [];
  for (let page = 1; page <= maxPages; page += 1) {
    const found = await ask({ page, perPage });
    entries.push(...found);
    if (found.length < perPage) return { entries, isComplete: true };
  }
  return { entries, isComplete: false };
}
