import { createRequesterFn } from '@gitbeaker/requester-utils';
import { boundedBytes, HostFault } from '../host-fault.ts';

const rawFile = /\/repository\/files\/[^/]+\/raw$/;

/**
 * How gitbeaker sends requests here: once, each with its own time limit, and bounded. Its own handler repeats 429 and
 * 502 ten times within 0.3 seconds. Redirects are not followed: they would carry the token to where a stranger says.
 */
export function requester(timeoutMs: number): ReturnType<typeof createRequesterFn> {
  return createRequesterFn(
    (_, options) => Promise.resolve(options),
    async (endpoint, options = {}) => {
      const { prefixUrl, searchParams, method, headers, body } = options;
      // Some of gitbeaker's resources end their address with a slash, others do not.
      const url = new URL(`${String(prefixUrl).replace(/\/+$/, '')}/${endpoint}`);
      if (typeof searchParams === 'string') url.search = searchParams;
      try {
        const response = await fetch(url, {
          method: String(method),
          // gitbeaker makes both in its own options: a plain object of headers, and JSON as text.
          headers: headers as Record<string, string>,
          ...(typeof body === 'string' ? { body } : {}),
          redirect: 'manual',
          signal: AbortSignal.timeout(timeoutMs),
        });
        const bytes = await boundedBytes(response);
        if (!response.ok) throw new HostFault(messageOf(bytes), response.status, response.headers);
        return {
          status: response.status,
          headers: Object.fromEntries(response.headers),
          body: rawFile.test(url.pathname) ? new Blob([bytes]) : bytes.length === 0 ? null : parsed(bytes, response),
        };
      } catch (error) {
        if (error instanceof HostFault) throw error;
        throw new HostFault(error instanceof Error ? error.message : String(error), undefined, new Headers(), error);
      }
    },
  );
}

function parsed(bytes: Uint8Array, response: Response): Record<string, unknown> | Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    // Which fields an object or list has is told by gitbeaker's types for each endpoint.
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below: a proxy's page, for example.
  }
  throw new HostFault('The answer is not JSON: is this the address of GitLab?', 502, response.headers);
}

/** GitLab tells why in `message`, `error` or, for fields, in an object of lists. */
function messageOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 4_000)).toString();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return text;
    const told = 'message' in value ? value.message : 'error' in value ? value.error : value;
    return typeof told === 'string' ? told : JSON.stringify(told);
  } catch {
    return text;
  }
}
