import type { Principal } from './access/principal.ts';

export interface RateLimitState {
  readonly limit: number;
  readonly used: number;
  /** Seconds since 1970. */
  readonly resetsAt: number;
}

/** Requests per hour and principal, as GitHub counts its primary limit. */
export class RateLimiter {
  readonly #limit: number;
  readonly #now: () => Date;
  readonly #windows = new Map<string, { used: number; resetsAt: number }>();

  constructor(limit: number, now: () => Date) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Counts one request. `used` beyond `limit` means that it must be refused. */
  count(principal: Principal): RateLimitState {
    const seconds = Math.floor(this.#now().getTime() / 1000);
    const key = keyOf(principal);
    const known = this.#windows.get(key);
    const window = known !== undefined && known.resetsAt > seconds ? known : { used: 0, resetsAt: seconds + 3600 };
    window.used += 1;
    this.#windows.set(key, window);
    return { limit: this.#limit, used: window.used, resetsAt: window.resetsAt };
  }

  /** Takes one back that was counted: it asked for what had not changed. */
  forgive(principal: Principal): void {
    const window = this.#windows.get(keyOf(principal));
    if (window !== undefined) window.used -= 1;
  }
}

function keyOf(principal: Principal): string {
  switch (principal.type) {
    case 'anonymous':
      return 'anonymous';
    case 'user':
      return `user:${principal.account.id}`;
    case 'app':
      return `app:${principal.app.id}`;
    case 'installation':
      return `installation:${principal.installation.id}`;
  }
}
