import { requireAccess } from '../access/authorize.ts';
import type { Repository } from '../entities.ts';
import { findRepository, type Host } from '../host.ts';
import { notFound } from '../refusal.ts';
import type { PageContext } from './session.ts';

/** The repository in a page's address, if its viewer may read it. @throws Refusal 404 */
export function repositoryIn(host: Host, c: PageContext): Repository {
  const repository = findRepository(host, c.req.param('owner') ?? '', c.req.param('repo') ?? '');
  if (repository === undefined) throw notFound();
  requireAccess(host, { type: 'user', account: c.get('viewer').account }, repository, {
    resource: 'contents',
    level: 'read',
  });
  return repository;
}

/** @throws Refusal 404 */
export function numberIn(c: PageContext, name: string): number {
  const value = Number(c.req.param(name));
  if (!Number.isSafeInteger(value) || value < 1) throw notFound();
  return value;
}
