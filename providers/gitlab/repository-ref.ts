import type { RepositoryRef } from '../../engine/core/trigger.ts';

/** A tenant is a top-level group: what GitLab's tokens and webhooks are given for. */
export function repositoryOf({
  id,
  path_with_namespace,
}: {
  readonly id: number;
  readonly path_with_namespace: string;
}): RepositoryRef {
  const parts = path_with_namespace.split('/');
  return {
    provider: 'gitlab',
    tenant: `gitlab:${parts[0]}`,
    id: String(id),
    owner: parts.slice(0, -1).join('/'),
    name: parts.at(-1) ?? '',
  };
}
