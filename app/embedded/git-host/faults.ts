import { setTimeout as wait } from 'node:timers/promises';
import type { MiddlewareHandler } from 'hono';

/** A misbehaviour of the host, for tests. */
export interface Fault {
  /** Answer this instead of working. */
  readonly status?: number;
  /** Wait this long first. */
  readonly delayMs?: number;
  readonly retryAfterSeconds?: number;
  /** Only requests whose `METHOD /path` matches; paths as sent, below `/api/v3`. */
  readonly match?: RegExp;
  /** How many requests it meets; all, when left out. */
  readonly times?: number;
}

/** Faults that wait for requests to the API; the oldest that matches strikes. */
export class Faults {
  #waiting: { readonly fault: Fault; left: number }[] = [];

  set(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#waiting = [];
  }

  take(request: string): Fault | undefined {
    const hit = this.#waiting.find(({ fault, left }) => left > 0 && (fault.match?.test(request) ?? true));
    if (hit === undefined) return undefined;
    hit.left -= 1;
    return hit.fault;
  }
}

export function injectFaults(faults: Faults, prefix: string): MiddlewareHandler {
  return async (c, next) => {
    const fault = faults.take(`${c.req.method} ${c.req.path.slice(prefix.length)}`);
    if (fault?.delayMs !== undefined) await wait(fault.delayMs);
    if (fault?.status === undefined) return await next();
    const isLimit = fault.status === 429 || (fault.status === 403 && fault.retryAfterSeconds !== undefined);
    const headers = new Headers({ 'content-type': 'application/json; charset=utf-8' });
    if (fault.retryAfterSeconds !== undefined) headers.set('retry-after', String(fault.retryAfterSeconds));
    const message = isLimit
      ? 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'
      : `Injected fault ${fault.status}`;
    // As each of the faces says it, so that any client finds its own.
    const body = JSON.stringify({
      message,
      documentation_url: 'https://docs.github.com/rest',
      type: 'error',
      error: { message },
    });
    return new Response(body, { status: fault.status, headers });
  };
}
