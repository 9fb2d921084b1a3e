import type { RepositoryRef } from '../../engine/core/trigger.ts';

/** A tenant is a workspace. */
export function repositoryOf({
  uuid,
  full_name,
}: {
  readonly uuid: string;
  readonly full_name: string;
}): RepositoryRef {
  const [owner = '', name = ''] = full_name.split('/');
  return { provider: 'bitbucket', tenant: `bitbucket:${owner}`, id: uuid, owner, name };
}
