import { z } from 'zod';
import { GitHostError, type GitHostErrorCode } from '../git-host-error.ts';
import { codeOf, commonFixes, waitOf } from '../host-fault.ts';

/** What the `bitbucket` package throws; without `error` no answer came, which it calls a 500. */
const HttpFault = z.object({
  name: z.literal('HTTPError'),
  status: z.number(),
  headers: z.record(z.string(), z.string()).default({}),
  error: z.unknown(),
});
const Told = z.object({ error: z.object({ message: z.string(), detail: z.string().optional().catch(undefined) }) });

const fixes: Readonly<Record<GitHostErrorCode, string>> = {
  ...commonFixes,
  denied:
    'Check that BITBUCKET_TOKEN is in date and has the scopes that the installation guide lists, and that its user is an Admin of the repository',
  'not-found': "Check that the token's user may see this repository",
  'rate-limited': 'It is tried again when Bitbucket allows it',
};

/** A fault of the `bitbucket` package in our words. */
export function bitbucketError(what: string, error: unknown): GitHostError {
  const fault = HttpFault.safeParse(error).data;
  const message = error instanceof Error ? error.message : String(error);
  if (fault === undefined)
    return new GitHostError({
      code: 'unexpected',
      what,
      why: `The answer of Bitbucket could not be used: ${message.slice(0, 300)}`,
      fix: fixes.unexpected,
      cause: error,
    });
  const code = codeOf(fault.status);
  const waitMs = waitOf(code, fault.headers['retry-after']);
  return new GitHostError({
    code,
    what,
    why:
      fault.error === undefined
        ? `Bitbucket does not answer: ${message.slice(0, 300)}`
        : `Bitbucket answered ${fault.status}: ${told(fault.error, message)}`,
    fix: fixes[code],
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    // The package's own error holds the request, and so the token.
    cause: new Error(message),
  });
}

function told(body: unknown, otherwise: string): string {
  const { message, detail } = Told.safeParse(body).data?.error ?? { message: otherwise };
  return `${message}${detail === undefined ? '' : ` (${detail})`}`.slice(0, 300);
}

/** An answer with this status. */
export function isAnswer(error: unknown, status: number): boolean {
  const fault = HttpFault.safeParse(error).data;
  return fault?.status === status && fault.error !== undefined;
}
