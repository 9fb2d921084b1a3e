import { GitHostError, type GitHostErrorCode } from './git-host-error.ts';

const defaultRetryMs = 60_000;
const maxRetryMs = 60 * 60_000;
const maxAnswerBytes = 32 * 2 ** 20;

/** An answer of a host that is none of success, or (without `status`) none at all. */
export class HostFault extends Error {
  override readonly name = 'HostFault';
  readonly status: number | undefined;
  readonly headers: Headers;

  constructor(message: string, status?: number, headers = new Headers(), cause?: unknown) {
    super(message, { cause });
    this.status = status;
    this.headers = headers;
  }
}

const codes: Readonly<Record<number, GitHostErrorCode>> = {
  400: 'invalid',
  401: 'denied',
  402: 'denied',
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

/** @param status absent where nobody answered */
export function codeOf(status: number | undefined): GitHostErrorCode {
  return status === undefined || status >= 500 ? 'unavailable' : (codes[status] ?? 'unexpected');
}

/** What to do about a fault, where it is the same for all hosts. */
export const commonFixes = {
  conflict: 'It is tried again',
  invalid: 'This is a fault of Slipway: report it',
  unavailable: 'It is tried again',
  unexpected: 'Report it with the time it happened',
} as const;

/** The wait that `Retry-After` asks for, in seconds there; a minute where a host that is tired of us says nothing. */
export function waitOf(code: GitHostErrorCode, retryAfter: string | null | undefined): number | undefined {
  if (typeof retryAfter === 'string' && /^\d{1,9}$/.test(retryAfter))
    return Math.min(Number(retryAfter) * 1_000, maxRetryMs);
  return code === 'rate-limited' ? defaultRetryMs : undefined;
}

/** A fault of a request in our words. */
export function hostError(
  host: { readonly name: string; readonly fixes: Readonly<Record<GitHostErrorCode, string>> },
  what: string,
  error: unknown,
): GitHostError {
  const fault = error instanceof HostFault ? error : undefined;
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 300);
  const code = fault === undefined ? 'unexpected' : codeOf(fault.status);
  const retryAfterMs = waitOf(code, fault?.headers.get('retry-after'));
  return new GitHostError({
    code,
    what,
    why:
      fault === undefined
        ? `The answer of ${host.name} could not be used: ${message}`
        : fault.status === undefined
          ? `${host.name} does not answer: ${message}`
          : `${host.name} answered ${fault.status}: ${message}`,
    fix: host.fixes[code],
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause: error,
  });
}

/** An answer with this status, and with these words where they are given. */
export function isAnswer(error: unknown, status: number, words = /(?:)/): boolean {
  return error instanceof HostFault && error.status === status && words.test(error.message);
}

/** What was asked for, or undefined where the host says that it is not there. */
export async function orNone<T>(
  asked: Promise<T>,
  isMissing = (error: unknown) => isAnswer(error, 404),
): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** A whole answer, unless it has no end. @throws HostFault */
export async function boundedBytes(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxAnswerBytes) throw new HostFault('The answer is too large', 413, response.headers);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
