import { z } from 'zod';
import type { Clock } from '../../engine/ports/clock.ts';
import { type Database, isDuplicateKey } from '../../engine/ports/database.ts';
import { EngineError } from '../../engine/ports/errors.ts';
import type { Variables } from '../../providers/git-host-setup.ts';
import type { Sealer } from './sealing.ts';

/** The settings of a Git host as the database holds them: readable are only its name, its address and when. */
interface StoredGitHostDocument {
  readonly _id: string;
  /** The host's address, for people and `slipway doctor`. */
  readonly url: string;
  /** The same settings that environment variables give, as sealed JSON. */
  readonly sealed: string;
  /** Changes with each write, so that replicas see that there is something new. */
  readonly version: number;
  readonly setUpAt: Date;
  readonly setUpBy: string;
}

export interface StoredGitHost {
  readonly provider: string;
  readonly url: string;
  readonly version: number;
  readonly setUpAt: Date;
  readonly setUpBy: string;
  /** Secrets among them: neither logged nor shown. */
  settings(): Promise<Variables>;
}

const settingsSchema = z.record(z.string(), z.string());
const maxSaves = 5;

/** Git hosts that were set up by a page or command, one for each provider. */
export class StoredGitHosts {
  readonly #hosts;
  readonly #sealer: Sealer | undefined;
  readonly #clock: Clock;

  /** @param parts.sealer absent where no key is given: nothing is stored then, and nothing can be read */
  constructor(parts: { readonly database: Database; readonly sealer: Sealer | undefined; readonly clock: Clock }) {
    this.#hosts = parts.database.collection<StoredGitHostDocument>('git-hosts');
    this.#sealer = parts.sealer;
    this.#clock = parts.clock;
  }

  /** Whether there is a key to store secrets with. */
  get canStore(): boolean {
    return this.#sealer !== undefined;
  }

  async all(): Promise<readonly StoredGitHost[]> {
    const found = await this.#hosts.find({}).sort({ _id: 1 }).toArray();
    return found.map((document) => ({
      provider: document._id,
      url: document.url,
      version: document.version,
      setUpAt: document.setUpAt,
      setUpBy: document.setUpBy,
      settings: async () =>
        settingsSchema.parse(JSON.parse(await this.#key().open(recordOf(document._id), document.sealed))),
    }));
  }

  async find(provider: string): Promise<StoredGitHost | undefined> {
    return (await this.all()).find((each) => each.provider === provider);
  }

  /** Takes the place of what is stored for that provider. @throws EngineError `unavailable` without a key */
  async save(facts: {
    readonly provider: string;
    readonly url: string;
    readonly settings: Variables;
    readonly by: string;
  }): Promise<void> {
    const sealed = await this.#key().seal(recordOf(facts.provider), JSON.stringify(facts.settings));
    const setUpAt = this.#clock.now();
    for (let tries = 0; tries < maxSaves; tries += 1) {
      const before = await this.#hosts.findOne({ _id: facts.provider });
      const version = (before?.version ?? 0) + 1;
      const document = { url: facts.url, sealed, version, setUpAt, setUpBy: facts.by };
      if (before === null) {
        try {
          await this.#hosts.insertOne({ _id: facts.provider, ...document });
          return;
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
          continue;
        }
      }
      const { matchedCount } = await this.#hosts.updateOne(
        { _id: facts.provider, version: before.version },
        { $set: document },
      );
      if (matchedCount === 1) return;
    }
    throw new EngineError({
      code: 'conflict',
      what: `Storing the settings of ${facts.provider}`,
      why: 'Others write them at the same time',
      fix: 'Try again',
    });
  }

  async remove(provider: string): Promise<void> {
    await this.#hosts.deleteOne({ _id: provider });
  }

  /** Seals with the key in use what an older one sealed. @returns how many */
  async sealAgain(): Promise<number> {
    const sealer = this.#key();
    let count = 0;
    for (const { _id, sealed, version } of await this.#hosts.find({}).toArray()) {
      if (!sealer.isStale(sealed)) continue;
      const record = recordOf(_id);
      const again = await sealer.seal(record, await sealer.open(record, sealed));
      const { matchedCount } = await this.#hosts.updateOne({ _id, version }, { $set: { sealed: again } });
      count += matchedCount;
    }
    return count;
  }

  #key(): Sealer {
    if (this.#sealer !== undefined) return this.#sealer;
    throw new EngineError({
      code: 'unavailable',
      what: 'Storing the settings of a Git host',
      why: 'There is no key to encrypt them with, and replicas that share a database cannot each make one',
      fix: 'Set SLIPWAY_ENCRYPTION_KEY to the output of `openssl rand -base64 32`, the same for all replicas',
    });
  }
}

function recordOf(provider: string): string {
  return `git-hosts/${provider}`;
}
