import type { RepositoryRef } from '../../engine/core/trigger.ts';

/** A tenant is an organisation, or a person with repositories of their own. */
export function repositoryOf({ id, full_name }: { readonly id: number; readonly full_name: string }): RepositoryRef {
  const [owner = '', name = ''] = full_name.split('/');
  return { provider: 'gitea', tenant: `gitea:${owner}`, id: String(id), owner, name };
}
