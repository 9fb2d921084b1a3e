import type { z } from 'zod';

/** A host's REST API as one person uses it, by a token. */
export interface PersonalApi {
  /** @throws Error telling what the host answered, where that is no success */
  call<T>(method: string, path: string, schema: z.ZodType<T>, body?: unknown): Promise<T>;
  /** Whether it is there. */
  has(path: string): Promise<boolean>;
}

export function personalApi(baseUrl: string, token: string): PersonalApi {
  const ask = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${baseUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
  return {
    async call(method, path, schema, body) {
      const response = await ask(method, path, body);
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 200)}`);
      return schema.parse(text === '' ? {} : JSON.parse(text));
    },
    has: async (path) => (await ask('GET', path)).ok,
  };
}
