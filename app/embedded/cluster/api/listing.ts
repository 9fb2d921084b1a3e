import { z } from 'zod';
import { type KubeObject, keyOfObject } from '../objects/meta.ts';
import { type Predicate, parseFieldSelector, parseLabelSelector } from '../objects/selectors.ts';
import type { Collection } from '../store/collection.ts';
import { badRequest, expired } from './status-error.ts';

const Token = z.object({ version: z.number().int(), after: z.string() });

export interface Listing<T extends KubeObject> {
  readonly items: readonly T[];
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

/** What a query's selectors let through. @throws StatusError 400 */
export function selectionOf<T extends KubeObject>(
  collection: Collection<T>,
  namespace: string | undefined,
  query: URLSearchParams,
): Predicate<KubeObject> {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', collection.resource.fields);
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    labels(object.metadata.labels) &&
    fields(object);
}

/**
 * A page of objects in the order of namespace and name. Later pages carry the version of the first, so a watch from
 * there hears of everything that changed while the pages were read.
 * @throws StatusError 400; 410 where a page's continuation is too old for that
 */
export function listObjects<T extends KubeObject>(
  collection: Collection<T>,
  namespace: string | undefined,
  query: URLSearchParams,
): Listing<T> {
  const selected = selectionOf(collection, namespace, query);
  const limit = numberOf(query, 'limit') ?? 0;
  const token = parseToken(query.get('continue'));
  if (token !== undefined && collection.since(token.version) === undefined) {
    throw expired('The provided continue parameter is too old: list again from the start');
  }
  const sorted = collection
    .list()
    .filter(selected)
    .map((object) => ({ key: keyOfObject(object), object }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const rest = token === undefined ? sorted : sorted.filter(({ key }) => key > token.after);
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const version = token?.version ?? collection.version;
  const last = page.at(-1);
  const isMore = last !== undefined && page.length < rest.length;
  return {
    items: page.map(({ object }) => object),
    metadata: {
      resourceVersion: String(version),
      ...(isMore
        ? { continue: printToken({ version, after: last.key }), remainingItemCount: rest.length - page.length }
        : {}),
    },
  };
}

export function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw badRequest(`${name}: ${JSON.stringify(text)} is not a count`);
  return value;
}

function printToken(token: z.infer<typeof Token>): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function parseToken(text: string | null): z.infer<typeof Token> | undefined {
  if (text === null || text === '') return undefined;
  try {
    return Token.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw badRequest('continue key is not valid');
  }
}
