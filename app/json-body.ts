import type { Context } from 'hono';
import { jsonIn } from '../engine/json-in.ts';

/** What a request asks for: no body asks for nothing in particular; undefined, which no schema takes, for broken JSON. */
export async function jsonBody({ req }: Context): Promise<unknown> {
  const text = await req.text();
  return text === '' ? {} : jsonIn(text);
}
