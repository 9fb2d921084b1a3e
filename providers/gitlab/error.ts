import { GitHostError, type GitHostErrorCode } from '../git-host-error.ts';
import { GitLabFault } from './request.ts';

const defaultRetryMs = 60_000;
const maxRetryMs = 60 * 60_000;

const codes: Readonly<Record<number, GitHostErrorCode>> = {
  400: 'invalid',
  401: 'denied',
  403: 'denied',
  404: 'not-found',
  409: 'conflict',
  410: 'not-found',
  413: 'invalid',
  422: 'invalid',
  429: 'rate-limited',
};

const fixes: Readonly<Record<GitHostErrorCode, string>> = {
  denied: 'Check that GITLAB_TOKEN is in date, has the scope `api`, and that its user is a Maintainer of the project',
  'not-found': "Check that the token's user is a member of this project",
  'rate-limited': 'It is tried again when GitLab allows it',
  conflict: 'It is tried again',
  invalid: 'This is a fault of Slipway: report it',
  unavailable: 'It is tried again',
  unexpected: 'Report it with the time it happened',
};

/** A fault of gitbeaker's requests in our words. */
export function gitLabError(what: string, error: unknown): GitHostError {
  const fault = error instanceof GitLabFault ? error : undefined;
  const status = fault?.status;
  const message = error instanceof Error ? error.message : String(error);
  const code = fault === undefined ? 'unexpected' : codeOf(status);
  const retryAfterMs = fault === undefined ? undefined : retryAfterOf(fault.headers);
  const waitMs = code === 'rate-limited' ? (retryAfterMs ?? defaultRetryMs) : retryAfterMs;
  return new GitHostError({
    code,
    what,
    why:
      fault === undefined
        ? `The answer of GitLab could not be used: ${message.slice(0, 300)}`
        : status === undefined
          ? `GitLab does not answer: ${message}`
          : `GitLab answered ${status}: ${message.slice(0, 300)}`,
    fix: fixes[code],
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    cause: error,
  });
}

function codeOf(status: number | undefined): GitHostErrorCode {
  return status === undefined || status >= 500 ? 'unavailable' : (codes[status] ?? 'unexpected');
}

/** GitLab says it in seconds. */
function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after');
  return text === null || !/^\d{1,9}$/.test(text) ? undefined : Math.min(Number(text) * 1_000, maxRetryMs);
}

/** An answer with this status, and with these words where they are given. */
export function isAnswer(error: unknown, status: number, words = /(?:)/): boolean {
  return error instanceof GitLabFault && error.status === status && words.test(error.message);
}
