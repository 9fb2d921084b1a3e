import type { Logger } from 'pino';
import type { InstallationEvent, RepositoryRef } from '../../engine/core/trigger.ts';
import type { AppInstallation, HostApp } from '../../providers/git-host-app.ts';
import type { GitHostsInUse } from './git-hosts-in-use.ts';
import type { Installation, Installations } from './installations.ts';

/**
 * Compares who let the App in with what is written down, for webhooks get lost: whoever suspended it, took a repository
 * away or gave it another name while nobody listened is heard all the same.
 */
export class SweepInstallations {
  readonly #inUse: GitHostsInUse;
  readonly #installations: Installations;
  readonly #follow: (event: InstallationEvent) => Promise<unknown>;
  readonly #log: Logger;

  constructor(parts: {
    readonly inUse: GitHostsInUse;
    readonly installations: Installations;
    readonly follow: (event: InstallationEvent) => Promise<unknown>;
    readonly log: Logger;
  }) {
    this.#inUse = parts.inUse;
    this.#installations = parts.installations;
    this.#follow = parts.follow;
    this.#log = parts.log;
  }

  async sweep(): Promise<void> {
    for (const provider of this.#inUse.providers()) {
      const app = this.#inUse.setup(provider)?.app?.();
      if (app !== undefined) await this.#sweepHost(provider, app);
    }
  }

  async #sweepHost(provider: string, app: HostApp): Promise<void> {
    const told = await app.installations();
    const known = (await this.#installations.all()).filter((each) => each.provider === provider);
    for (const installation of told) {
      const before = known.find(({ tenant }) => tenant === installation.tenant);
      for (const change of changesOf(installation, before)) await this.#found(provider, installation, change);
      if (installation.state === 'active') await this.#sweepRepositories(provider, installation, app);
    }
    for (const { tenant, state, account } of known) {
      if (state === 'removed' || told.some((each) => each.tenant === tenant)) continue;
      const facts = { tenant, ...(account === undefined ? {} : { account }) };
      await this.#found(provider, facts, { type: 'removed' });
    }
  }

  async #sweepRepositories(provider: string, installation: AppInstallation, app: HostApp): Promise<void> {
    const { tenant } = installation;
    const { repositories, isComplete } = await app.repositories(tenant);
    const known = new Map((await this.#installations.repositoriesOf(tenant)).map((each) => [each.id, each]));
    const added = repositories.filter(({ id }) => known.get(id)?.isGone !== false);
    const ids = new Set(repositories.map(({ id }) => id));
    const removed = isComplete ? [...known.values()].filter(({ id, isGone }) => !isGone && !ids.has(id)) : [];
    if (added.length + removed.length > 0) {
      const refs = removed.map(({ isGone, ...repository }): RepositoryRef => repository);
      await this.#found(provider, installation, { type: 'repositories_changed', added, removed: refs });
    }
    for (const repository of repositories) {
      const before = known.get(repository.id);
      if (before === undefined || before.isGone) continue;
      if (before.name === repository.name && before.owner === repository.owner) continue;
      await this.#found(provider, installation, { type: 'repository_renamed', repository, from: before.name });
    }
  }

  async #found(
    provider: string,
    { tenant, account, permissions }: Pick<InstallationEvent, 'tenant' | 'account' | 'permissions'>,
    change: InstallationEvent['change'],
  ): Promise<void> {
    this.#log.info({ tenant, account, change: change.type }, 'An installation changed, and no webhook told');
    const facts = {
      ...(account === undefined ? {} : { account }),
      ...(permissions === undefined ? {} : { permissions }),
    };
    await this.#follow({ type: 'installation', provider, tenant, ...facts, change });
  }
}

function changesOf(told: AppInstallation, known: Installation | undefined): readonly InstallationEvent['change'][] {
  const { repositories } = told;
  if (known === undefined || known.state === 'removed')
    return [
      { type: 'installed', repositories },
      ...(told.state === 'suspended' ? [{ type: 'suspended' } as const] : []),
    ];
  if (told.state === 'suspended') return known.state === 'suspended' ? [] : [{ type: 'suspended' }];
  return [
    ...(known.state === 'suspended' ? [{ type: 'unsuspended' } as const] : []),
    ...(isSame(told.permissions, known.permissions) &&
    known.repositories === repositories &&
    known.account === told.account
      ? []
      : [{ type: 'permissions_changed', repositories } as const]),
  ];
}

function isSame(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>> = {}): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => one[name] === other[name]);
}
