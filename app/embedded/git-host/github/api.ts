import type { z } from 'zod';
import { accessRepository, type Requirement } from '../access/authorize.ts';
import type { Repository } from '../entities.ts';
import type { Host } from '../host.ts';
import { Refusal, validationFailed } from '../refusal.ts';
import type { ApiContext } from '../rest-face.ts';

/** The request's JSON body as this schema wants it. @throws Refusal 400 for no JSON, 422 naming each bad field */
export async function readBody<Body>(c: ApiContext, schema: z.ZodType<Body>, resource: string): Promise<Body> {
  const text = await c.req.text();
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new Refusal(400, 'Problems parsing JSON');
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw validationFailed(
    ...parsed.error.issues.slice(0, 20).map((issue) => ({
      resource,
      field: issue.path.join('.'),
      code:
        issue.code === 'invalid_type' && issue.message.includes('undefined')
          ? ('missing_field' as const)
          : ('custom' as const),
      message: issue.message,
    })),
  );
}

/** The repository that the path names, if the sender may do this with it. */
export function repositoryOf(host: Host, c: ApiContext, needed: Requirement): Repository {
  return accessRepository(host, c.get('principal'), c.req.param('owner') ?? '', c.req.param('repo') ?? '', needed);
}

/** A number in the path. @throws Refusal 404 */
export function numberParam(c: ApiContext, name: string): number {
  const value = Number(c.req.param(name));
  if (!Number.isSafeInteger(value) || value < 1) throw new Refusal(404, 'Not Found');
  return value;
}

/** The page that `page` and `per_page` ask for, with GitHub's `Link` header to its neighbours. */
export function paginate<Item>(c: ApiContext, items: readonly Item[]): Item[] {
  const perPage = clamp(c.req.query('per_page'), 30, 100);
  const page = clamp(c.req.query('page'), 1, 1_000_000);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const link = (target: number, rel: string): string => {
    const url = new URL(c.req.url);
    url.searchParams.set('page', String(target));
    return `<${url}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [link(page - 1, 'prev'), link(1, 'first')] : []),
    ...(page < last ? [link(page + 1, 'next'), link(last, 'last')] : []),
  ];
  if (links.length > 0) c.header('Link', links.join(', '));
  return items.slice((page - 1) * perPage, page * perPage);
}

function clamp(text: string | undefined, otherwise: number, most: number): number {
  const value = Number(text ?? otherwise);
  return Number.isSafeInteger(value) && value >= 1 ? Math.min(value, most) : otherwise;
}
