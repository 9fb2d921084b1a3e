import type { z } from 'zod';
import { boundedBytes, HostFault } from '../host-fault.ts';

const maxRedirects = 3;

export interface Asked {
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
}

/**
 * Gitea's REST API, as far as it is used. Paths are given in parts, which are escaped here. The package there is for it,
 * gitea-js, puts parts into paths unescaped, follows redirects anywhere with the token, and stands at Gitea 1.23.
 */
export interface GiteaApi {
  /** @throws HostFault; z.ZodError for an answer that is not as documented */
  ask<T>(answer: z.ZodType<T>, method: string, path: readonly string[], asked?: Asked): Promise<T>;
  bytes(path: readonly string[], asked?: Asked): Promise<Uint8Array<ArrayBuffer>>;
  /** All entries of a list. `isComplete` false: there were more than `maxEntries`. */
  all<T>(
    entry: z.ZodType<T>,
    path: readonly string[],
    maxEntries: number,
    query?: Asked['query'],
  ): Promise<{ readonly entries: readonly T[]; readonly isComplete: boolean }>;
}

const perPage = 50;

export function giteaApi(url: string, token: string, timeoutMs: number): GiteaApi {
  const base = `${url.replace(/\/+$/, '')}/api/v1`;

  /** Once, with a time limit, bounded. Redirects are followed to Gitea itself alone: it has them for renamed repositories. */
  async function request(method: string, path: readonly string[], { query, body }: Asked) {
    const signal = AbortSignal.timeout(timeoutMs);
    let target = new URL(`${base}/${pathOf(path)}`);
    for (const [name, value] of Object.entries(query ?? {})) target.searchParams.set(name, String(value));
    try {
      for (let redirects = 0; ; redirects += 1) {
        const response = await fetch(target, {
          method,
          headers: {
            authorization: `token ${token}`,
            accept: 'application/json',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          redirect: 'manual',
          signal,
        });
        const location = response.headers.get('location');
        if (response.status < 300 || response.status >= 400 || location === null) {
          const bytes = await boundedBytes(response);
          if (!response.ok) throw new HostFault(messageOf(bytes), response.status, response.headers);
          return { bytes, headers: response.headers };
        }
        await response.body?.cancel();
        target = new URL(location, target);
        if (redirects === maxRedirects || !target.href.startsWith(`${base}/`))
          throw new HostFault('It redirects where it should answer: is this the address of Gitea?', 502);
      }
    } catch (error) {
      if (error instanceof HostFault) throw error;
      throw new HostFault(error instanceof Error ? error.message : String(error), undefined, new Headers(), error);
    }
  }

  return {
    async ask(answer, method, path, asked = {}) {
      const { bytes, headers } = await request(method, path, asked);
      return answer.parse(parsed(bytes, headers));
    },
    bytes: async (path, asked = {}) => (await request('GET', path, asked)).bytes,
    async all(entry, path, maxEntries, query = {}) {
      const list = entry.array().nullable();
      const entries = [];
      for (let page = 1; entries.length < maxEntries; page += 1) {
        const { bytes, headers } = await request('GET', path, { query: { ...query, limit: perPage, page } });
        const found = list.parse(parsed(bytes, headers)) ?? [];
        entries.push(...found);
        // An installation may have shorter pages than were asked for, so a short one says nothing.
        if (found.length === 0 || entries.length >= Number(headers.get('x-total-count') ?? Number.NaN))
          return { entries, isComplete: true };
      }
      return { entries, isComplete: false };
    },
  };
}

/** @throws RangeError for a part that would lead elsewhere */
function pathOf(parts: readonly string[]): string {
  const stray = parts.find((part) => part === '' || part === '.' || part === '..');
  if (stray !== undefined) throw new RangeError(`"${stray}" is no part of an address`);
  return parts.map(encodeURIComponent).join('/');
}

function parsed(bytes: Uint8Array, headers: Headers): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw new HostFault('The answer is not JSON: is this the address of Gitea?', 502, headers, error);
  }
}

/** Gitea tells why in `message`. */
function messageOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 4_000)).toString();
  try {
    const value: unknown = JSON.parse(text);
    const told = typeof value === 'object' && value !== null && 'message' in value ? value.message : undefined;
    return typeof told === 'string' && told !== '' ? told : text;
  } catch {
    return text;
  }
}
