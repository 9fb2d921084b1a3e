import type { Repository, Role } from '../entities.ts';
import { findRepository, type Host, ownerOf } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Principal } from './principal.ts';

const rank = { none: 0, read: 1, write: 2, admin: 3 } as const;

export type Access = keyof typeof rank;

export function covers(held: Access, needed: Access): boolean {
  return rank[held] >= rank[needed];
}

/** What an account may do with a repository by itself. */
export function roleOf(host: Host, repository: Repository, accountId: number): Access {
  if (repository.ownerId === accountId) return 'admin';
  const roles: Access[] = [repository.private ? 'none' : 'read'];
  const direct = host.store.grants.findByKey(`repository:${repository.id}:${accountId}`);
  if (direct) roles.push(direct.role);
  const member = host.store.grants.findByKey(`organization:${repository.ownerId}:${accountId}`);
  // Owners of an organisation rule its repositories; its other members read them.
  if (member) roles.push(member.role === 'admin' ? 'admin' : 'read');
  return roles.reduce((best, role) => (rank[role] > rank[best] ? role : best));
}

/** What an endpoint asks: `role` of a person, `resource` at `level` of an App. */
export interface Requirement {
  readonly resource: string;
  readonly level: Role;
  /** Where people need less or more than Apps: anyone who reads may comment. */
  readonly role?: Role;
}

/** @throws Refusal 404 where even the existence is none of their business, else 401 or 403 */
export function requireAccess(host: Host, principal: Principal, repository: Repository, needed: Requirement): void {
  const level = needed.role ?? needed.level;
  switch (principal.type) {
    case 'anonymous':
      if (repository.private) throw notFound();
      if (level !== 'read' || needed.level !== 'read') throw new Refusal(401, 'Requires authentication');
      return;
    case 'user': {
      const role = roleOf(host, repository, principal.account.id);
      if (role === 'none') throw notFound();
      if (!covers(role, level)) throw new Refusal(403, 'Must have admin rights or push access to Repository.');
      return;
    }
    case 'app':
      throw repository.private ? notFound() : new Refusal(403, 'Resource not accessible by integration');
    case 'installation': {
      const isInScope =
        repository.ownerId === principal.installation.accountId &&
        (principal.repositoryIds === null || principal.repositoryIds.includes(repository.id));
      const held = needed.resource === 'metadata' ? 'read' : (principal.permissions[needed.resource] ?? 'none');
      if (isInScope && covers(held, needed.level)) return;
      if (!isInScope && repository.private) throw notFound();
      // Public things can be read by every token.
      if (!isInScope && needed.level === 'read') return;
      throw new Refusal(403, 'Resource not accessible by integration');
    }
  }
}

/** The repository, if this principal may do that to it. @throws Refusal */
export function accessRepository(
  host: Host,
  principal: Principal,
  owner: string,
  name: string,
  needed: Requirement,
): Repository {
  const repository = findRepository(host, owner, name);
  if (repository === undefined) throw notFound();
  requireAccess(host, principal, repository, needed);
  return repository;
}

/** How GitHub words an author's relation to a repository. */
export function associationOf(
  host: Host,
  repository: Repository,
  accountId: number,
): 'OWNER' | 'MEMBER' | 'COLLABORATOR' | 'CONTRIBUTOR' | 'NONE' {
  if (ownerOf(host, repository).id === accountId) return 'OWNER';
  if (host.store.grants.findByKey(`organization:${repository.ownerId}:${accountId}`)) return 'MEMBER';
  if (host.store.grants.findByKey(`repository:${repository.id}:${accountId}`)) return 'COLLABORATOR';
  const hasMerged = host.store.pulls
    .list(repository.id)
    .some((pull) => pull.authorId === accountId && pull.mergedAt !== null);
  return hasMerged ? 'CONTRIBUTOR' : 'NONE';
}
