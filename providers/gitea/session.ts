import { z } from 'zod';
import { type BotSession, botSession } from '../bot-session.ts';
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
export type GiteaSession = BotSession<GiteaApi, At>;

const defaultTimeoutMs = 15_000;

export function giteaSession({ url, token, timeoutMs = defaultTimeoutMs }: GiteaOptions): GiteaSession {
  return botSession({
    api: giteaApi(url, token, timeoutMs),
    at: (repository): At => ['repos', repository.owner, repository.name],
    self: (api) => api.ask(Account, 'GET', ['user']).then(personOf),
    toError: giteaError,
  });
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
