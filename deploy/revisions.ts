import { type Database, isDuplicateKey } from '../engine/ports/database.ts';
import { DeployError } from './ports/errors.ts';
import { type EnvironmentRef, environmentKey, type Revision } from './revision.ts';

interface StoredRevision extends Revision {
  readonly _id: string;
  readonly environment: string;
  readonly namespace: string;
}

/** Which run an environment belongs to now: the newest that asked for it. */
interface StoredEnvironment extends EnvironmentRef {
  readonly _id: string;
  readonly orderAt: Date;
  readonly rolloutId: string;
  readonly live?: number;
}

const numberDigits = 6;
/** Of each environment, so many retired revisions keep their artifacts. */
const retiredKept = 10;

/** The history of environments: what each of them ran, and which rollout has the word. */
export class Revisions {
  readonly #revisions;
  readonly #environments;
  readonly #namespaceOf: (environment: EnvironmentRef) => string;

  constructor(database: Database, namespaceOf: (environment: EnvironmentRef) => string) {
    this.#revisions = database.collection<StoredRevision>('revisions');
    this.#environments = database.collection<StoredEnvironment>('environments');
    this.#namespaceOf = namespaceOf;
  }

  async prepare(): Promise<void> {
    await this.#revisions.createIndex({ environment: 1, rolloutId: 1 });
    await this.#revisions.createIndex({ namespace: 1, digest: 1 });
    await this.#revisions.createIndex({ digest: 1 });
    await this.#environments.createIndex({ environment: 1 });
  }

  /**
   * A rollout asks for the word in an environment: it has it until a later one asks.
   * @param orderAt when what it ships came about: an older run never gets the word back from a newer one
   * @returns the rollout that has the word
   */
  async claim(ref: EnvironmentRef, rolloutId: string, orderAt: Date): Promise<string> {
    const _id = environmentKey(ref);
    const current = await this.#environments.findOne({ _id });
    if (current === null) {
      try {
        await this.#environments.insertOne({ _id, ...ref, orderAt, rolloutId });
        return rolloutId;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return this.claim(ref, rolloutId, orderAt);
      }
    }
    if (current.rolloutId === rolloutId || current.orderAt > orderAt) return current.rolloutId;
    await this.#environments.updateOne({ _id, orderAt: { $lte: orderAt } }, { $set: { orderAt, rolloutId } });
    return (await this.#environments.findOne({ _id }))?.rolloutId ?? rolloutId;
  }

  async holder(ref: EnvironmentRef): Promise<string | undefined> {
    return (await this.#environments.findOne({ _id: environmentKey(ref) }))?.rolloutId;
  }

  async live(ref: EnvironmentRef): Promise<Revision | undefined> {
    const number = (await this.#environments.findOne({ _id: environmentKey(ref) }))?.live;
    return number === undefined ? undefined : this.get(ref, number);
  }

  /** The next revision of an environment; asked again for the same rollout, the same one. */
  async create(ref: EnvironmentRef, facts: Omit<Revision, 'number' | 'state'>): Promise<Revision> {
    const environment = environmentKey(ref);
    const known = await this.#revisions.findOne({ environment, rolloutId: facts.rolloutId });
    if (known !== null) return known;
    for (;;) {
      const [last] = await this.#revisions.find({ environment }).sort({ _id: -1 }).limit(1).toArray();
      const number = (last?.number ?? 0) + 1;
      const revision: Revision = { ...facts, number, state: 'rolling' };
      try {
        await this.#revisions.insertOne({
          _id: idOf(environment, number),
          environment,
          namespace: this.#namespaceOf(ref),
          ...revision,
        });
        return revision;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }
  }

  /** Writes a revision as the log tells it. What is under way writes for itself: it is only added where it is missing. */
  async restore(ref: EnvironmentRef, revision: Revision): Promise<void> {
    const environment = environmentKey(ref);
    const _id = idOf(environment, revision.number);
    const stored = { environment, namespace: this.#namespaceOf(ref), ...revision };
    if (revision.state !== 'rolling') await this.#revisions.replaceOne({ _id }, stored, { upsert: true });
    else if ((await this.#revisions.findOne({ _id })) === null)
      await this.#revisions.insertOne({ _id, ...stored }).catch((error: unknown) => {
        if (!isDuplicateKey(error)) throw error;
      });
  }

  async get(ref: EnvironmentRef, number: number): Promise<Revision | undefined> {
    return (await this.#revisions.findOne({ _id: idOf(environmentKey(ref), number) })) ?? undefined;
  }

  /** A rollout ended well: this revision is live, the one before is retired. */
  async makeLive(ref: EnvironmentRef, number: number): Promise<void> {
    const environment = environmentKey(ref);
    await this.#revisions.updateMany(
      { environment, state: 'live', number: { $ne: number } },
      { $set: { state: 'retired' } },
    );
    await this.#revisions.updateOne({ _id: idOf(environment, number) }, { $set: { state: 'live' } });
    await this.#environments.updateOne({ _id: environment }, { $set: { live: number } });
  }

  async markFailed(ref: EnvironmentRef, number: number): Promise<void> {
    await this.#revisions.updateOne(
      { _id: idOf(environmentKey(ref), number), state: 'rolling' },
      { $set: { state: 'failed' } },
    );
  }

  /** Newest first. */
  async history(ref: EnvironmentRef, limit: number): Promise<readonly Revision[]> {
    return this.#revisions
      .find({ environment: environmentKey(ref) })
      .sort({ _id: -1 })
      .limit(limit)
      .toArray();
  }

  /** Environments of a name; more than one when several repositories have it. */
  async find(environment: string, repository: string | undefined): Promise<readonly EnvironmentRef[]> {
    return this.#environments
      .find({ environment, ...(repository === undefined ? {} : { repository }) })
      .limit(10)
      .toArray();
  }

  /** All environments of a repository. */
  async ofRepository(ref: { readonly tenant: string; readonly id: string }): Promise<readonly EnvironmentRef[]> {
    return this.#environments.find({ tenant: ref.tenant, repositoryId: ref.id }).limit(50).toArray();
  }

  /** The tenant of the environment in a namespace, if some revision of it is made of that artifact. */
  async tenantOfDeployed(namespace: string, digest: string): Promise<string | undefined> {
    const found = await this.#revisions.findOne({ namespace, digest });
    if (found === null) return undefined;
    return (await this.#environments.findOne({ _id: found.environment }))?.tenant;
  }

  /** Whether some environment of the tenant runs that artifact, or is likely to be brought back to it. */
  async mayNeed(tenant: string, digest: string): Promise<boolean> {
    for (const { environment, number, state } of await this.#revisions.find({ digest }).toArray()) {
      if (!environment.startsWith(`${tenant}/`) || state === 'failed') continue;
      if (state !== 'retired') return true;
      const newer = await this.#revisions.countDocuments({ environment, number: { $gt: number }, state: 'retired' });
      if (newer < retiredKept) return true;
    }
    return false;
  }

  /** The revision to go back to. Only one that was live before can be: anything else nobody has seen work there. */
  async rollbackTarget(ref: EnvironmentRef, number: number | undefined): Promise<Revision> {
    const what = `Rolling ${ref.environment} of ${ref.repository} back`;
    const live = await this.live(ref);
    const known = (await this.history(ref, 100)).filter(({ state }) => state === 'retired' || state === 'live');
    const found = known.find((revision) =>
      number === undefined
        ? revision.number !== live?.number && revision.digest !== live?.digest
        : revision.number === number,
    );
    if (found !== undefined) return found;
    const list = known
      .map(
        (revision) =>
          `${revision.number} (${revision.digest.slice(0, 19)}, ${revision.at.toISOString().slice(0, 16)}, ${revision.by})`,
      )
      .join(', ');
    throw new DeployError({
      code: 'not-found',
      what,
      why: number === undefined ? 'No other revision was ever live there' : `Revision ${number} was never live there`,
      fix: list === '' ? 'Deploy something first' : `These were: ${list}`,
    });
  }
}

function idOf(environment: string, number: number): string {
  return `${environment}:${String(number).padStart(numberDigits, '0')}`;
}
