import type { InstallationEvent, RepositoryRef } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';

export type InstallationState = 'active' | 'suspended' | 'removed';

/** A tenant as the host last told of it. What a host does not tell stays absent. */
export interface Installation {
  readonly tenant: string;
  readonly provider: string;
  readonly state: InstallationState;
  readonly changedAt: Date;
  readonly changedBy?: string;
  readonly account?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly repositories?: 'all' | 'selected';
}

type StoredInstallation = Omit<Installation, 'tenant'> & { readonly _id: string };

/** A repository that was taken away from a tenant, renamed, or heard of. */
interface StoredRepository {
  readonly _id: string;
  readonly provider: string;
  readonly tenant: string;
  readonly repositoryId: string;
  readonly owner: string;
  readonly name: string;
  /** Why nothing is done there any more. */
  readonly goneBecause?: string;
  readonly changedAt: Date;
}

/** Runs that may not go on, and why. */
export interface Stop {
  readonly tenant: string;
  /** Absent for all of the tenant's. */
  readonly repositoryId?: string;
  readonly reason: string;
}

/** Which tenants and repositories Slipway may work for. One replica, the one that leads, writes and asks. */
export class Installations {
  readonly #installations;
  readonly #repositories;
  readonly #clock: Clock;
  readonly #known = new Set<string>();
  /** Of tenants and `tenant/repository`. */
  readonly #stopped = new Map<string, string>();

  constructor(parts: { readonly database: Database; readonly clock: Clock }) {
    this.#installations = parts.database.collection<StoredInstallation>('installations');
    this.#repositories = parts.database.collection<StoredRepository>('installed-repositories');
    this.#clock = parts.clock;
  }

  async prepare(): Promise<void> {
    await this.#repositories.createIndex({ provider: 1, repositoryId: 1 });
    await this.#repositories.createIndex({ tenant: 1 });
    for (const { _id, ...facts } of await this.#installations.find({}).toArray()) this.#note({ tenant: _id, ...facts });
    for (const { _id, goneBecause } of await this.#repositories.find({ goneBecause: { $exists: true } }).toArray())
      if (goneBecause !== undefined) this.#stopped.set(_id, goneBecause);
  }

  async all(): Promise<readonly Installation[]> {
    const found = await this.#installations.find({}).sort({ _id: 1 }).toArray();
    return found.map(({ _id, ...facts }) => ({ tenant: _id, ...facts }));
  }

  /** Repositories that were heard of there, also those that are gone from it. */
  async repositoriesOf(tenant: string): Promise<readonly (RepositoryRef & { readonly isGone: boolean })[]> {
    const found = await this.#repositories.find({ tenant }).toArray();
    return found.map(({ provider, repositoryId: id, owner, name, goneBecause }) => ({
      provider,
      tenant,
      id,
      owner,
      name,
      isGone: goneBecause !== undefined,
    }));
  }

  /** Why nothing may be done there; undefined where it may. */
  whyNot({ tenant, id }: Pick<RepositoryRef, 'tenant' | 'id'>): string | undefined {
    return this.#stopped.get(tenant) ?? this.#stopped.get(`${tenant}/${id}`);
  }

  /**
   * A tenant that nobody told of is one all the same: what is known of it is written down.
   * @returns whether the repository was not heard of since this replica leads
   */
  async saw(repository: RepositoryRef): Promise<boolean> {
    const { provider, tenant, id, owner } = repository;
    const isNew = !this.#known.has(`${tenant}/${id}`);
    if (isNew && !this.#stopped.has(`${tenant}/${id}`)) await this.#saveRepository(repository, undefined);
    if (this.#known.has(tenant)) return isNew;
    await this.#installations.updateOne(
      { _id: tenant },
      { $setOnInsert: { provider, state: 'active' as const, changedAt: this.#clock.now(), account: owner } },
      { upsert: true },
    );
    this.#known.add(tenant);
    return isNew;
  }

  /** Writes down what changed; safe to repeat. @returns runs that may not go on */
  async apply(event: InstallationEvent): Promise<readonly Stop[]> {
    const { tenant, change } = event;
    switch (change.type) {
      case 'installed':
      case 'permissions_changed':
        await this.#save(event, { state: 'active', repositories: change.repositories });
        return [];
      case 'unsuspended':
        await this.#save(event, { state: 'active' });
        return [];
      case 'suspended':
      case 'removed': {
        const reason = await this.#save(event, { state: change.type });
        return reason === undefined ? [] : [{ tenant, reason }];
      }
      case 'repositories_changed': {
        for (const repository of change.added) await this.#saveRepository(repository, undefined);
        const stops: Stop[] = [];
        for (const repository of change.removed) {
          const reason = `${repository.owner}/${repository.name} was taken out of the installation`;
          await this.#saveRepository(repository, reason);
          stops.push({ tenant, repositoryId: repository.id, reason });
        }
        return stops;
      }
      case 'repository_deleted': {
        const reason = `${change.repository.owner}/${change.repository.name} was deleted`;
        await this.#saveRepository(change.repository, reason);
        return [{ tenant, repositoryId: change.repository.id, reason }];
      }
      case 'repository_renamed':
      case 'repository_transferred':
        return this.#moved(change.repository);
    }
  }

  /** It lives under this tenant and name now. Under another tenant, what began there may not go on: nothing crosses tenants. */
  async #moved(repository: RepositoryRef): Promise<readonly Stop[]> {
    const { provider, id: repositoryId } = repository;
    const all = await this.#repositories.find({ provider, repositoryId }).toArray();
    const others = all.filter(({ tenant }) => tenant !== repository.tenant);
    const reason = `the repository was moved to ${repository.owner}`;
    for (const { tenant, owner, name } of others)
      await this.#saveRepository({ ...repository, tenant, owner, name }, reason);
    await this.#saveRepository(repository, undefined);
    return others.map(({ tenant }) => ({ tenant, repositoryId, reason }));
  }

  async #save(
    event: InstallationEvent,
    facts: Pick<Installation, 'state' | 'repositories'>,
  ): Promise<string | undefined> {
    const { tenant, provider, account, permissions, by } = event;
    const written = {
      provider,
      state: facts.state,
      changedAt: this.#clock.now(),
      ...(by === undefined ? {} : { changedBy: by.login }),
      ...(account === undefined ? {} : { account }),
      ...(permissions === undefined ? {} : { permissions }),
      ...(facts.repositories === undefined ? {} : { repositories: facts.repositories }),
    };
    await this.#installations.updateOne({ _id: tenant }, { $set: written }, { upsert: true });
    this.#note({ tenant, ...written });
    return this.#stopped.get(tenant);
  }

  #note({ tenant, state, account, changedBy }: Installation): void {
    this.#known.add(tenant);
    if (state === 'active') this.#stopped.delete(tenant);
    else
      this.#stopped.set(
        tenant,
        `the installation${account === undefined ? '' : ` on ${account}`} was ${state}${changedBy === undefined ? '' : ` by ${changedBy}`}`,
      );
  }

  async #saveRepository(
    { provider, tenant, id: repositoryId, owner, name }: RepositoryRef,
    goneBecause: string | undefined,
  ): Promise<void> {
    const _id = `${tenant}/${repositoryId}`;
    const facts = { provider, tenant, repositoryId, owner, name, changedAt: this.#clock.now() };
    await this.#repositories.replaceOne(
      { _id },
      { ...facts, ...(goneBecause === undefined ? {} : { goneBecause }) },
      { upsert: true },
    );
    this.#known.add(_id);
    if (goneBecause === undefined) this.#stopped.delete(_id);
    else this.#stopped.set(_id, goneBecause);
  }
}
