import type { z } from 'zod';
import { accessRepository, type Requirement } from '../access/authorize.ts';
import { findPull } from '../domain/pulls.ts';
import type { Pull, Repository } from '../entities.ts';
import { type Host, ownerOf } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { ApiContext } from '../rest-face.ts';
import { idIn } from './identity.ts';

/** The repository that the path names by slug or uuid, if the sender may do this with it. */
export function repositoryOf(host: Host, c: ApiContext, needed: Requirement): Repository {
  const workspace = c.req.param('workspace') ?? '';
  const slug = c.req.param('slug') ?? '';
  const id = idIn(slug);
  const named = id === undefined ? undefined : host.store.repositories.find(id);
  if (id !== undefined && named === undefined) throw notFound();
  const name = named?.name ?? slug;
  const owner = named === undefined ? workspace : ownerOf(host, named).login;
  if (owner.toLowerCase() !== workspace.toLowerCase()) throw notFound();
  return accessRepository(host, c.get('principal'), owner, name, needed);
}

export function pullOf(host: Host, c: ApiContext, needed: Requirement): Pull {
  return findPull(host, repositoryOf(host, c, needed), Number(c.req.param('number')));
}

/** @throws Refusal 400 naming the fields, as Bitbucket does */
export async function readBody<Body>(c: ApiContext, schema: z.ZodType<Body>): Promise<Body> {
  let body: unknown;
  try {
    body = await c.req.json();
  } catch {
    throw new Refusal(400, 'Bad request');
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Refusal(400, `Bad request: ${why.join('; ')}`);
}

/** One page, naming the next. */
export function page<Item>(c: ApiContext, items: readonly Item[], most: number) {
  const pagelen = within(c.req.query('pagelen'), 10, most);
  const number = within(c.req.query('page'), 1, 1_000_000);
  const next = new URL(c.req.url);
  next.searchParams.set('page', String(number + 1));
  return {
    values: items.slice((number - 1) * pagelen, number * pagelen),
    pagelen,
    page: number,
    size: items.length,
    ...(number * pagelen < items.length ? { next: next.href } : {}),
  };
}

function within(text: string | undefined, otherwise: number, most: number): number {
  const value = Number(text ?? otherwise);
  if (!Number.isSafeInteger(value) || value < 1 || value > most) throw new Refusal(400, 'Invalid page or pagelen');
  return value;
}
