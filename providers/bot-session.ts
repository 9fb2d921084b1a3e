import type { Person, RepositoryRef } from '../engine/core/trigger.ts';
import { GitHostError } from './git-host-error.ts';

/** Signed in to a host as one user. `At` is how its calls name a repository. */
export interface BotSession<Api, At> {
  /** @throws GitHostError naming `what` */
  ask<T>(what: string, ask: (api: Api) => Promise<T>): Promise<T>;
  /** @throws GitHostError naming `what` and the repository */
  call<T>(what: string, repository: RepositoryRef, ask: (api: Api, at: At) => Promise<T>): Promise<T>;
  /** Ourselves, so that another author's comment is never edited. @throws GitHostError */
  self(): Promise<Person>;
}

/** Calls of one user, their faults in our words. Who the user is is asked once, and again after a failure. */
export function botSession<Api, At>(parts: {
  readonly api: Api;
  readonly at: (repository: RepositoryRef) => At;
  readonly self: (api: Api) => Promise<Person>;
  /** A fault of the host's client in our words. */
  readonly toError: (what: string, error: unknown) => GitHostError;
}): BotSession<Api, At> {
  const { api } = parts;
  let own: Promise<Person> | undefined;
  async function ask<T>(what: string, asked: (api: Api) => Promise<T>): Promise<T> {
    try {
      return await asked(api);
    } catch (error) {
      throw error instanceof GitHostError ? error : parts.toError(what, error);
    }
  }
  return {
    ask,
    call: (what, repository, asked) =>
      ask(`${what} in ${repository.owner}/${repository.name}`, () => asked(api, parts.at(repository))),
    async self() {
      own ??= parts.self(api);
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
