import type { z } from 'zod';
import { type Requirement, requireAccess } from '../access/authorize.ts';
import { findPull } from '../domain/pulls.ts';
import type { Pull, Repository } from '../entities.ts';
import { findRepository, type Host } from '../host.ts';
import { Refusal } from '../refusal.ts';
import type { ApiContext } from '../rest-face.ts';

/** The project that the path names by number or by its full path, if the sender may do this with it. */
export function projectOf(host: Host, c: ApiContext, needed: Requirement): Repository {
  const text = c.req.param('project') ?? '';
  const [owner = '', name = ''] = text.split('/');
  const project = /^\d+$/.test(text) ? host.store.repositories.find(Number(text)) : findRepository(host, owner, name);
  const notFound = new Refusal(404, '404 Project Not Found');
  if (project === undefined) throw notFound;
  try {
    requireAccess(host, c.get('principal'), project, needed);
  } catch (error) {
    throw error instanceof Refusal && error.status === 404 ? notFound : error;
  }
  return project;
}

export function mergeRequestOf(host: Host, c: ApiContext, needed: Requirement): Pull {
  const project = projectOf(host, c, needed);
  try {
    return findPull(host, project, Number(c.req.param('iid')));
  } catch (error) {
    throw error instanceof Refusal ? new Refusal(404, '404 Not found') : error;
  }
}

/** The fields of the body, or of the query where there is no body: GitLab takes both. @throws Refusal 400 naming the fields */
export async function readFields<Fields>(c: ApiContext, schema: z.ZodType<Fields>): Promise<Fields> {
  const text = await c.req.text();
  let fields: unknown;
  try {
    fields = { ...c.req.query(), ...(text === '' ? {} : JSON.parse(text)) };
  } catch {
    throw new Refusal(400, '400 Bad request');
  }
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  throw new Refusal(
    400,
    parsed.error.issues.map(({ path, message }) => `${path.join('.')} is invalid: ${message}`).join(', '),
  );
}

/** The page that is asked for, with the next one in `Link` and the counts in headers. */
export function page<Item>(c: ApiContext, items: readonly Item[]): Item[] {
  const perPage = Math.min(100, positive(c.req.query('per_page'), 20));
  const number = positive(c.req.query('page'), 1);
  if (number * perPage < items.length) {
    const next = new URL(c.req.url);
    next.searchParams.set('page', String(number + 1));
    c.header('Link', `<${next.href}>; rel="next"`);
    c.header('X-Next-Page', String(number + 1));
  }
  c.header('X-Page', String(number));
  c.header('X-Per-Page', String(perPage));
  c.header('X-Total', String(items.length));
  return items.slice((number - 1) * perPage, number * perPage);
}

function positive(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  return Number.isSafeInteger(value) && value > 0 ? value : otherwise;
}
