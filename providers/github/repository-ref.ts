import type { Person, RepositoryRef } from '../../engine/core/trigger.ts';

/** A repository in a delivery, under the installation that it came for. */
export function repositoryOf({
  installation,
  repository,
}: {
  readonly installation: { readonly id: number };
  readonly repository: { readonly id: number; readonly name: string; readonly full_name: string };
}): RepositoryRef {
  return {
    provider: 'github',
    tenant: `github:${installation.id}`,
    id: String(repository.id),
    owner: repository.full_name.split('/')[0] ?? '',
    name: repository.name,
  };
}

export function personOf({ login, id }: { readonly login: string; readonly id: number }): Person {
  return { login, id: String(id) };
}
