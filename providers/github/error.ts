import { GitHostError, type GitHostErrorCode } from '../git-host-error.ts';

const codes: Readonly<Record<number, GitHostErrorCode>> = {
  401: 'denied',
  403: 'denied',
  404: 'not-found',
  409: 'conflict',
  410: 'not-found',
  422: 'invalid',
  429: 'rate-limited',
};

const fixes: Readonly<Record<GitHostErrorCode, string>> = {
  denied: "Check the App's permissions, and accept new ones on the installation",
  'not-found': 'Check that the App is installed on this repository',
  'rate-limited': 'It is tried again when GitHub allows it',
  conflict: 'It is tried again',
  invalid: 'This is a fault of Slipway: report it',
  unavailable: 'It is tried again',
  unexpected: 'Report it with the time it happened',
};

/** An octokit error in our words. GitHub's limits arrive as 403 or 429. */
export function gitHubError(what: string, error: unknown): GitHostError {
  const status =
    error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : undefined;
  const headers = headersOf(error);
  const retryAfterMs = retryAfterOf(headers);
  const message = error instanceof Error ? error.message : String(error);
  const isLimited = status === 429 || (status === 403 && (retryAfterMs !== undefined || /rate limit/i.test(message)));
  // A time-out or a broken connection reaches us as octokit's own status 500.
  const code: GitHostErrorCode = isLimited
    ? 'rate-limited'
    : status === undefined || status >= 500
      ? 'unavailable'
      : (codes[status] ?? 'unexpected');
  return new GitHostError({
    code,
    what,
    why:
      status === undefined
        ? `GitHub does not answer: ${message}`
        : `GitHub answered ${status}: ${message.slice(0, 300)}`,
    fix: fixes[code],
    ...(code === 'rate-limited'
      ? { retryAfterMs: retryAfterMs ?? 60_000 }
      : retryAfterMs === undefined
        ? {}
        : { retryAfterMs }),
    cause: error,
  });
}

function headersOf(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error) || !('response' in error)) return {};
  const { response } = error;
  if (typeof response !== 'object' || response === null || !('headers' in response)) return {};
  return typeof response.headers === 'object' && response.headers !== null ? { ...response.headers } : {};
}

function retryAfterOf(headers: Readonly<Record<string, unknown>>): number | undefined {
  const after = Number(headers['retry-after']);
  if (Number.isFinite(after) && headers['retry-after'] !== undefined) return after * 1_000;
  if (String(headers['x-ratelimit-remaining']) !== '0') return undefined;
  const reset = Number(headers['x-ratelimit-reset']);
  return Number.isFinite(reset) ? Math.max(1_000, reset * 1_000 - Date.now()) : undefined;
}
