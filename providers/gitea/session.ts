import { z } from 'zod';
import type { Person, RepositoryRef } from '../../engine/core/trigger.ts';
import { GitHostError } from '../git-host-error.ts';
import { isAnswer } from '../host-fault.ts';
import { giteaError } from './error.ts';
import { type GiteaApi, giteaApi } from './request.ts';
import { Account, personOf } from './schema.ts';

/** Where Gitea is, and what Slipway proves itself with. */
export interface GiteaOptions {
  readonly url: string;
  /** Of a bot user that administrates the repositories; scopes as the guide lists them. */
  readonly token: string;
  /** What pods clone with; scope `read:repository` alone, for it comes near to code of strangers. */
  readonly cloneToken: string;
  /** For one request; 15 seconds when left out. */
  readonly timeoutMs?: number;
}

/** The parts of the path of a repository. */
export type At = readonly [string, string, string];

/** Signed in to Gitea as one user. */
export interface GiteaSession {
  /** @throws GitHostError naming `what` */
  ask<T>(what: string, ask: (api: GiteaApi) => Promise<T>): Promise<T>;
  /** @throws GitHostError naming `what` and the repository */
  call<T>(what: string, repository: RepositoryRef, ask: (api: GiteaApi, at: At) => Promise<T>): Promise<T>;
  /** Ourselves, so that another author's comment is never edited. @throws GitHostError */
  self(): Promise<Person>;
}

const defaultTimeoutMs = 15_000;

export function giteaSession({ url, token, timeoutMs = defaultTimeoutMs }: GiteaOptions): GiteaSession {
  const api = giteaApi(url, token, timeoutMs);
  let own: Promise<Person> | undefined;
  async function ask<T>(what: string, asked: (api: GiteaApi) => Promise<T>): Promise<T> {
    try {
      return await asked(api);
    } catch (error) {
      throw error instanceof GitHostError ? error : giteaError(what, error);
    }
  }
  return {
    ask,
    call: (what, repository, asked) =>
      ask(`${what} in ${repository.owner}/${repository.name}`, () =>
        asked(api, ['repos', repository.owner, repository.name]),
      ),
    async self() {
      own ??= api.ask(Account, 'GET', ['user']).then(personOf);
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

/** What was asked for, or undefined when it is not there. Gitea says "not found" for a missing repository too, so that is asked for then. */
export async function orNone<T>(api: GiteaApi, at: At, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (!isAnswer(error, 404)) throw error;
    await api.ask(z.object({}), 'GET', at);
    return undefined;
  }
}
