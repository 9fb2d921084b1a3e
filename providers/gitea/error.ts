import { GitHostError, type GitHostErrorCode } from '../git-host-error.ts';
import { GiteaFault } from './request.ts';

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
  // A repository that is archived.
  423: 'denied',
  429: 'rate-limited',
};

const fixes: Readonly<Record<GitHostErrorCode, string>> = {
  denied: 'Check that GITEA_TOKEN has the scopes that the guide lists, and that its user administrates the repository',
  'not-found': "Check that the token's user may see this repository",
  'rate-limited': 'It is tried again when Gitea allows it',
  conflict: 'It is tried again',
  invalid: 'This is a fault of Slipway: report it',
  unavailable: 'It is tried again',
  unexpected: 'Report it with the time it happened',
};

/** A fault of a request in our words. */
export function giteaError(what: string, error: unknown): GitHostError {
  const fault = error instanceof GiteaFault ? error : undefined;
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 300);
  const code = fault === undefined ? 'unexpected' : codeOf(fault.status);
  const retryAfterMs = retryAfterOf(fault?.headers) ?? (code === 'rate-limited' ? defaultRetryMs : undefined);
  return new GitHostError({
    code,
    what,
    why:
      fault === undefined
        ? `The answer of Gitea could not be used: ${message}`
        : fault.status === undefined
          ? `Gitea does not answer: ${message}`
          : `Gitea answered ${fault.status}: ${message}`,
    fix: fixes[code],
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause: error,
  });
}

function codeOf(status: number | undefined): GitHostErrorCode {
  return status === undefined || status >= 500 ? 'unavailable' : (codes[status] ?? 'unexpected');
}

/** Gitea itself has no limits; a proxy before it says in seconds how long to wait. */
function retryAfterOf(headers: Headers | undefined): number | undefined {
  const text = headers?.get('retry-after') ?? '';
  return /^\d{1,9}$/.test(text) ? Math.min(Number(text) * 1_000, maxRetryMs) : undefined;
}

export function isAnswer(error: unknown, status: number): boolean {
  return error instanceof GiteaFault && error.status === status;
}
