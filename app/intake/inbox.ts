import { createHash } from 'node:crypto';
import type { EventKey, HostEvent } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import { type Database, isDuplicateKey } from '../../engine/ports/database.ts';
import { GitHostError } from '../../providers/git-host-error.ts';
import { reportOf } from '../error-report.ts';

/** A delivery as it is kept. */
interface StoredDelivery {
  readonly _id: string;
  readonly provider: string;
  readonly event: string;
  readonly body: string;
  readonly receivedAt: Date;
  /** `received` until its work is done: only then does the delivery count as seen. */
  readonly state: 'received' | 'done' | 'ignored' | 'failed';
  readonly tries: number;
  readonly retryAt: Date;
  readonly because?: string;
}

/** The last event about a branch, tag or pull request. */
interface StoredLastEvent {
  readonly _id: string;
  readonly event: string;
  readonly delivery: string;
  readonly at: Date;
}

export interface Delivery {
  readonly provider: string;
  readonly id: string;
  readonly event: string;
  readonly body: string;
}

/** Does the work of an event; doing it twice for a delivery is harmless. Throws when it is to be tried again. */
export type HandleEvent = (
  event: Exclude<HostEvent, { type: 'ignored' }>,
  deliveryId: string,
) => Promise<{ readonly ignoredBecause?: string }>;

const keptMs = 30 * 24 * 3_600_000;
const sameWithinMs = 10 * 60_000;
const maxTries = 12;
const maxRetryMs = 10 * 60_000;
const limitedMs = 60_000;
const batch = 100;
const concurrency = 8;

/** Deliveries that were taken in, and their work: at least once, in order for each repository. */
export class Inbox {
  readonly #deliveries;
  readonly #lastEvents;
  readonly #clock: Clock;
  readonly #translate: (provider: string, event: string, body: unknown) => HostEvent;
  readonly #handle: HandleEvent;
  readonly #onError: (error: unknown) => void;
  readonly #queues = new Map<string, Promise<void>>();
  readonly #open = new Set<string>();
  #drain: Promise<void> | undefined;
  #isWoken = false;
  #isPaused = false;

  constructor(parts: {
    readonly database: Database;
    readonly clock: Clock;
    readonly translate: (provider: string, event: string, body: unknown) => HostEvent;
    readonly handle: HandleEvent;
    readonly onError: (error: unknown) => void;
  }) {
    this.#deliveries = parts.database.collection<StoredDelivery>('deliveries');
    this.#lastEvents = parts.database.collection<StoredLastEvent>('last-events');
    this.#clock = parts.clock;
    this.#translate = parts.translate;
    this.#handle = parts.handle;
    this.#onError = parts.onError;
  }

  async prepare(): Promise<void> {
    await this.#deliveries.createIndex({ state: 1, receivedAt: 1 });
  }

  /** One durable write. A delivery that is there already is acknowledged, and not taken twice. */
  async take({ provider, id, event, body }: Delivery): Promise<'received' | 'already received'> {
    const receivedAt = this.#clock.now();
    try {
      await this.#deliveries.insertOne({
        _id: `${provider}:${id}`,
        provider,
        event,
        body,
        receivedAt,
        state: 'received',
        tries: 0,
        retryAt: receivedAt,
      });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      this.wake();
      return 'already received';
    }
    this.wake();
    return 'received';
  }

  /** Works off what is there, soon. */
  wake(): void {
    if (this.#isPaused) return;
    this.#isWoken = true;
    this.#drain ??= this.#drainAll()
      .catch(this.#onError)
      .finally(() => {
        this.#drain = undefined;
        if (this.#isWoken) this.wake();
      });
  }

  /** For benchmarks and shutdown: takes in, and works nothing off. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Resolves when everything that was woken for is done. */
  async idle(): Promise<void> {
    while (this.#drain !== undefined || this.#queues.size > 0) {
      await this.#drain;
      await Promise.all(this.#queues.values());
    }
  }

  async expire(): Promise<number> {
    // What still waits is kept however old it is; the rest goes by the index that finds it.
    const before = new Date(this.#clock.now().getTime() - keptMs);
    let expired = 0;
    for (const state of ['done', 'ignored', 'failed'] as const) {
      const { deletedCount } = await this.#deliveries.deleteMany({ state, receivedAt: { $lte: before } });
      expired += deletedCount;
    }
    return expired;
  }

  async #drainAll(): Promise<void> {
    while (this.#isWoken && !this.#isPaused) {
      this.#isWoken = false;
      const waiting = await this.#deliveries.find({ state: 'received' }).sort({ receivedAt: 1 }).limit(batch).toArray();
      const now = this.#clock.now();
      const due = waiting
        .filter(({ _id, retryAt }) => !this.#open.has(_id) && retryAt <= now)
        .slice(0, Math.max(0, concurrency * 4 - this.#open.size));
      for (const delivery of due) this.#enqueue(delivery);
    }
  }

  #enqueue(delivery: StoredDelivery): void {
    this.#open.add(delivery._id);
    const event = this.#understand(delivery);
    const queue = event.type === 'ignored' ? delivery._id : queueOf(event);
    const work = (this.#queues.get(queue) ?? Promise.resolve())
      .then(() => this.#work(delivery, event))
      .catch(this.#onError)
      .finally(() => {
        this.#open.delete(delivery._id);
        if (this.#queues.get(queue) === work) this.#queues.delete(queue);
        // Looked for once there is work for few, not after each: every look reads a batch of bodies.
        if (this.#open.size <= concurrency) this.wake();
      });
    this.#queues.set(queue, work);
  }

  /** One that cannot be understood must not stand in the way of those behind it. */
  #understand({ provider, event, body }: StoredDelivery): HostEvent {
    try {
      const parsed: unknown = JSON.parse(body);
      return this.#translate(provider, event, parsed);
    } catch (error) {
      this.#onError(error);
      return { type: 'ignored', because: `it cannot be understood: ${reportOf(error).message}`.slice(0, 300) };
    }
  }

  async #work(delivery: StoredDelivery, event: HostEvent): Promise<void> {
    if (event.type === 'ignored') return this.#end(delivery, 'ignored', event.because);
    const other = 'key' in event ? await this.#sameAs(event, delivery) : undefined;
    if (other !== undefined) return this.#end(delivery, 'ignored', `the same event came as ${other}`);
    try {
      const { ignoredBecause } = await this.#handle(event, delivery._id);
      return await this.#end(delivery, ignoredBecause === undefined ? 'done' : 'ignored', ignoredBecause);
    } catch (error) {
      // Nobody is at fault where a host's limits are used up: that counts as no try.
      const isLimited = error instanceof GitHostError && error.code === 'rate-limited';
      const tries = delivery.tries + (isLimited ? 0 : 1);
      const { message } = reportOf(error);
      if (tries >= maxTries) return this.#end(delivery, 'failed', message);
      this.#onError(error);
      const waitMs = isLimited ? (error.retryAfterMs ?? limitedMs) : Math.min(500 * 2 ** tries, maxRetryMs);
      await this.#deliveries.updateOne(
        { _id: delivery._id },
        { $set: { tries, because: message, retryAt: new Date(this.#clock.now().getTime() + waitMs) } },
      );
      setTimeout(() => this.wake(), waitMs).unref();
    }
  }

  /** Two events are the same when all is equal, within ten minutes, and nothing else came for that ref in between. */
  async #sameAs(
    { key, ...facts }: { readonly key: EventKey; readonly mayHaveMovedNothing?: boolean },
    delivery: StoredDelivery,
  ): Promise<string | undefined> {
    const _id = `${key.tenant}/${key.repositoryId}/${key.subject}`;
    const event = createHash('sha256')
      .update(JSON.stringify(Object.entries(key).sort()))
      .digest('hex');
    const last = await this.#lastEvents.findOne({ _id });
    const isSame =
      last?.event === event &&
      last.delivery !== delivery._id &&
      (facts.mayHaveMovedNothing === true || delivery.receivedAt.getTime() - last.at.getTime() < sameWithinMs);
    if (isSame) return last.delivery;
    if (last?.delivery !== delivery._id) {
      await this.#lastEvents.replaceOne(
        { _id },
        { event, delivery: delivery._id, at: delivery.receivedAt },
        { upsert: true },
      );
    }
    return undefined;
  }

  async #end({ _id }: StoredDelivery, state: StoredDelivery['state'], because: string | undefined): Promise<void> {
    // What stood in the way of an earlier try is no longer why.
    await this.#deliveries.updateOne(
      { _id },
      because === undefined ? { $set: { state }, $unset: { because: '' } } : { $set: { state, because } },
    );
  }
}

/** What has to happen one after the other. */
function queueOf(event: Exclude<HostEvent, { type: 'ignored' }>): string {
  if (event.type === 'installation') return event.tenant;
  const { tenant, id } =
    event.type === 'trigger'
      ? event.trigger.repository
      : event.type === 'incomplete'
        ? event.known.repository
        : event.repository;
  return `${tenant}/${id}`;
}
