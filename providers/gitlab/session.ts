import { Gitlab } from '@gitbeaker/rest';
import type { Person, RepositoryRef } from '../../engine/core/trigger.ts';
import { GitHostError } from '../git-host-error.ts';
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
export interface GitLabSession {
  /** @throws GitHostError naming `what` */
  ask<T>(what: string, ask: (api: GitLabApi) => Promise<T>): Promise<T>;
  /** @throws GitHostError naming `what` and the repository */
  call<T>(what: string, repository: RepositoryRef, ask: (api: GitLabApi, projectId: string) => Promise<T>): Promise<T>;
  /** Ourselves, so that another author's comment is never edited. @throws GitHostError */
  self(): Promise<Person>;
}

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
  const api = client(options);
  let own: Promise<Person> | undefined;
  async function ask<T>(what: string, asked: (api: GitLabApi) => Promise<T>): Promise<T> {
    try {
      return await asked(api);
    } catch (error) {
      throw error instanceof GitHostError ? error : gitLabError(what, error);
    }
  }
  return {
    ask,
    call: (what, repository, asked) =>
      ask(`${what} in ${repository.owner}/${repository.name}`, () => asked(api, repository.id)),
    async self() {
      own ??= api.Users.showCurrentUser().then(({ username, id }) => ({ login: username, id: String(id) }));
      const asked = own;
      try {
        return await ask("Asking for the token's user", () => asked);
      } catch (error) {
        own = undefined;
        throw error;
      }
    },
  };
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
