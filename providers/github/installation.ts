import type { HostEvent, InstallationChange } from '../../engine/core/trigger.ts';
import { ignored } from '../understand.ts';
import { personOf, repositoryOf } from './repository-ref.ts';
import { Installation, InstallationRepositories, Repository } from './schema.ts';

/** Events of an installation's life. GitHub sends those of the installation itself to every App, unasked. */
export function translateInstallation(
  event: 'installation' | 'installation_repositories' | 'repository',
  body: unknown,
): HostEvent {
  switch (event) {
    case 'installation': {
      const { action, ...hook } = Installation.parse(body);
      const change = changeOf(action, hook.installation.repository_selection);
      return change === undefined ? ignored(`installation ${action} changes nothing`) : told(hook, change);
    }
    case 'installation_repositories': {
      const { repositories_added, repositories_removed, ...hook } = InstallationRepositories.parse(body);
      const { installation } = hook;
      return told(hook, {
        type: 'repositories_changed',
        added: repositories_added.map((repository) => repositoryOf({ installation, repository })),
        removed: repositories_removed.map((repository) => repositoryOf({ installation, repository })),
      });
    }
    case 'repository': {
      const { action, changes, ...hook } = Repository.parse(body);
      const repository = repositoryOf(hook);
      const facts = { type: 'installation', provider: 'github', tenant: repository.tenant } as const;
      const by = personOf(hook.sender);
      const owner = changes?.owner?.from;
      const from = action === 'renamed' ? changes?.repository?.name.from : (owner?.organization ?? owner?.user)?.login;
      if (action !== 'renamed' && action !== 'transferred' && action !== 'deleted')
        return ignored(`repository ${action} changes nothing`);
      return {
        ...facts,
        by,
        change: { type: `repository_${action}`, repository, ...(from === undefined ? {} : { from }) },
      };
    }
  }
}

function changeOf(action: string, repositories: 'all' | 'selected'): InstallationChange | undefined {
  switch (action) {
    case 'created':
      return { type: 'installed', repositories };
    case 'new_permissions_accepted':
      return { type: 'permissions_changed', repositories };
    case 'suspend':
      return { type: 'suspended' };
    case 'unsuspend':
      return { type: 'unsuspended' };
    case 'deleted':
      return { type: 'removed' };
    default:
      return undefined;
  }
}

function told(
  hook: Pick<ReturnType<typeof Installation.parse>, 'installation' | 'sender'>,
  change: InstallationChange,
): HostEvent {
  const { installation, sender } = hook;
  return {
    type: 'installation',
    provider: 'github',
    tenant: `github:${installation.id}`,
    by: personOf(sender),
    ...(installation.account == null ? {} : { account: installation.account.login }),
    permissions: installation.permissions,
    change,
  };
}
