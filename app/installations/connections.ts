import type { Clock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { Place } from '../../providers/git-host-places.ts';

/** A place that somebody connected: the repositories in it have a webhook, those that come later too. */
export interface Connection {
  readonly provider: string;
  readonly place: Place;
  /** Whether the labels that Slipway listens to are made in its repositories. */
  readonly makesLabels: boolean;
  readonly connectedAt: Date;
}

/** A webhook that Slipway made, and what it knew when it last looked. */
export interface KeptWebhook {
  readonly place: Place;
  readonly hookId: string;
  readonly url: string;
  /** Of the secret that it was given, which no host shows again. */
  readonly secretId: string;
  readonly checkedAt: Date;
}

interface StoredConnection extends Connection {
  readonly _id: string;
}

interface StoredWebhook extends KeptWebhook {
  readonly _id: string;
  /** The `_id` of what it belongs to. */
  readonly connection: string;
}

/** What was connected, and the webhooks that were made for it. */
export class Connections {
  readonly #connections;
  readonly #webhooks;
  readonly #clock: Clock;

  constructor(parts: { readonly database: Database; readonly clock: Clock }) {
    this.#connections = parts.database.collection<StoredConnection>('connections');
    this.#webhooks = parts.database.collection<StoredWebhook>('kept-webhooks');
    this.#clock = parts.clock;
  }

  async prepare(): Promise<void> {
    await this.#webhooks.createIndex({ connection: 1 });
  }

  async all(): Promise<readonly Connection[]> {
    const found = await this.#connections.find({}).sort({ _id: 1 }).toArray();
    return found.map(({ _id, ...connection }) => connection);
  }

  async find(provider: string, path: string): Promise<Connection | undefined> {
    const wanted = path.toLowerCase();
    return (await this.all()).find((each) => each.provider === provider && each.place.path.toLowerCase() === wanted);
  }

  async save(facts: Omit<Connection, 'connectedAt'>): Promise<Connection> {
    const _id = idOf(facts);
    const before = await this.#connections.findOne({ _id });
    const connection = { ...facts, connectedAt: before?.connectedAt ?? this.#clock.now() };
    await this.#connections.replaceOne({ _id }, connection, { upsert: true });
    return connection;
  }

  async remove(connection: Connection): Promise<void> {
    await this.#connections.deleteOne({ _id: idOf(connection) });
    await this.#webhooks.deleteMany({ connection: idOf(connection) });
  }

  async webhooksOf(connection: Connection): Promise<readonly KeptWebhook[]> {
    const found = await this.#webhooks.find({ connection: idOf(connection) }).toArray();
    return found.map(({ _id, connection: _of, ...webhook }) => webhook);
  }

  async saveWebhook(connection: Connection, webhook: Omit<KeptWebhook, 'checkedAt'>): Promise<void> {
    const document = { ...webhook, connection: idOf(connection), checkedAt: this.#clock.now() };
    await this.#webhooks.replaceOne({ _id: webhookId(connection, webhook.place) }, document, { upsert: true });
  }

  async forgetWebhook(connection: Connection, place: Place): Promise<void> {
    await this.#webhooks.deleteOne({ _id: webhookId(connection, place) });
  }
}

/** By the host's own id: places may be renamed. */
function idOf({ provider, place }: Pick<Connection, 'provider' | 'place'>): string {
  return `${provider}/${place.type}/${place.id}`;
}

function webhookId(connection: Connection, place: Place): string {
  return `${idOf(connection)}/${place.type}/${place.id}`;
}
