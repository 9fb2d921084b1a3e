import type { Delivery, Hook } from '../entities.ts';
import type { HostLog } from '../host.ts';
import type { Store } from '../store.ts';

/** GitHub gives a receiver this long, then notes a failure; it never tries again by itself, and others do not after a time-out. */
const timeLimitMs = 10_000;
const keptPerHook = 2_000;
const maxLoggedBytes = 16 * 1024;

/**
 * Sends what stands in the deliveries table, each hook's in order. A delivery is a row before it is sent, so a killed
 * process loses none; one that was under way when it died is sent again with the same GUID.
 */
export class Outbox {
  readonly #store: Store;
  readonly #log: HostLog;
  readonly #now: () => Date;
  readonly #resends: number;
  readonly #headersOf: (hook: Hook, delivery: Delivery, now: Date, attempt: number) => Readonly<Record<string, string>>;
  readonly #sending = new Map<number, Promise<void>>();
  readonly #stopped = new AbortController();
  #isWoken = false;

  constructor(parts: {
    readonly store: Store;
    readonly log: HostLog;
    readonly now: () => Date;
    readonly resends: number;
    readonly headersOf: (
      hook: Hook,
      delivery: Delivery,
      now: Date,
      attempt: number,
    ) => Readonly<Record<string, string>>;
  }) {
    this.#store = parts.store;
    this.#log = parts.log;
    this.#now = parts.now;
    this.#resends = parts.resends;
    this.#headersOf = parts.headersOf;
  }

  /** Cheap, and safe inside a transaction: it looks only once the current turn is over. */
  wake(): void {
    if (this.#isWoken || this.#stopped.signal.aborted) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      if (this.#stopped.signal.aborted) return;
      for (const hookId of this.#store.pendingHooks()) {
        if (this.#sending.has(hookId)) continue;
        const sending = this.#sendAll(hookId).finally(() => this.#sending.delete(hookId));
        this.#sending.set(hookId, sending);
      }
    });
  }

  /** Until nothing waits to be sent. */
  async idle(): Promise<void> {
    while (!this.#stopped.signal.aborted && (this.#isWoken || this.#sending.size > 0)) {
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.all(this.#sending.values());
    }
  }

  /** What has not been sent stays for the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#sending.values());
  }

  async #sendAll(hookId: number): Promise<void> {
    const hook = this.#store.hooks.get(hookId);
    for (;;) {
      const delivery = this.#store.nextPending(hookId);
      if (delivery === undefined || this.#stopped.signal.aborted) return;
      const sent = await this.#sendUntilTaken(this.#store.hooks.find(hookId) ?? hook, delivery);
      if (sent === undefined) return;
      this.#store.atomically(() => {
        this.#store.deliveries.save(sent);
        this.#store.pruneDeliveries(hookId, keptPerHook);
      });
    }
  }

  async #sendUntilTaken(hook: Hook, delivery: Delivery): Promise<Delivery | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const sent = await this.#send(hook, delivery, attempt);
      if (sent === undefined || sent.statusCode < 500 || attempt > this.#resends) return sent;
    }
  }

  /** undefined: we are stopping, so nothing is known. */
  async #send(hook: Hook, delivery: Delivery, attempt: number): Promise<Delivery | undefined> {
    const headers = {
      accept: '*/*',
      'content-type': 'application/json',
      ...this.#headersOf(hook, delivery, this.#now(), attempt),
    };
    const startedAt = performance.now();
    const done = { ...delivery, state: 'done' as const, requestHeaders: headers };
    const outcome = (): { durationMs: number; deliveredAt: string } => ({
      durationMs: Math.round(performance.now() - startedAt),
      deliveredAt: this.#now().toISOString(),
    });
    try {
      const response = await fetch(hook.url, {
        method: 'POST',
        headers,
        body: delivery.payload,
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(timeLimitMs), this.#stopped.signal]),
      });
      const responseBody = (await response.text()).slice(0, maxLoggedBytes);
      const status = response.ok ? 'OK' : `Invalid HTTP Response: ${response.status}`;
      if (!response.ok)
        this.#log.warn(
          { event: delivery.event, guid: delivery.guid, status: response.status },
          'a webhook was refused',
        );
      return {
        ...done,
        ...outcome(),
        status,
        statusCode: response.status,
        responseHeaders: Object.fromEntries(response.headers),
        responseBody,
      };
    } catch (error) {
      if (this.#stopped.signal.aborted) return undefined;
      const why = error instanceof Error ? error.name : 'error';
      this.#log.warn({ event: delivery.event, guid: delivery.guid, why }, 'a webhook did not arrive');
      return { ...done, ...outcome(), status: why === 'TimeoutError' ? 'timed out' : 'failed to connect to host' };
    }
  }
}
