import type { RepositoryRef } from '../engine/core/trigger.ts';
import type { Clock } from '../engine/ports/clock.ts';
import type { GitHost, RequestLimits } from '../providers/git-host.ts';
import { GitHostError } from '../providers/git-host-error.ts';
import { Budget } from './budget.ts';

/** What a tenant may still ask of its host. */
export interface RequestBudget {
  readonly points: Budget;
  readonly content: Budget;
}

/** Verbs that write; the others read. */
const writes = new Set<string | symbol>([
  'publishCheck',
  'ensureComment',
  'addComment',
  'react',
  'changeLabels',
  'publishDeployment',
  'proposeState',
] satisfies (keyof GitHost)[]);
const comments = new Set<string | symbol>(['ensureComment', 'addComment'] satisfies (keyof GitHost)[]);
/** Longer than this nobody stands and waits: whoever asked comes again. */
const maxWaitMs = 90_000;

/**
 * Keeps what all parts of Slipway together ask of a host within what it lets a tenant ask for: past that, hosts refuse
 * everything for a while, and answers to people with it.
 */
export class RequestBudgets {
  readonly #clock: Clock;
  readonly #budgets = new Map<string, RequestBudget>();
  readonly #waiting = new Set<() => void>();
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of({ tenant }: RepositoryRef, limits: RequestLimits): RequestBudget {
    const known = this.#budgets.get(tenant);
    if (known !== undefined) return known;
    const made = { points: new Budget(limits.points, this.#clock), content: new Budget(limits.content, this.#clock) };
    this.#budgets.set(tenant, made);
    return made;
  }

  /** The same host, each question asked when there is room for it. @throws GitHostError `rate-limited` where that is far off */
  meter(host: GitHost): GitHost {
    const { limits } = host.capabilities;
    return new Proxy(host, {
      get: (target, name, receiver) => {
        const value: unknown = Reflect.get(target, name, receiver);
        if (typeof value !== 'function') return value;
        return async (...words: unknown[]): Promise<unknown> => {
          const [repository] = words;
          if (isRepository(repository)) {
            const budget = this.of(repository, limits);
            await this.#take(budget.points, priceOf(name, limits));
            if (comments.has(name)) await this.#take(budget.content, 1);
          }
          return Reflect.apply(value, target, words);
        };
      },
    });
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#isStopped = true;
    for (const wake of this.#waiting) wake();
  }

  async #take(budget: Budget, cost: number): Promise<void> {
    for (;;) {
      const waitMs = budget.spend(cost);
      if (waitMs === 0) return;
      if (this.#isStopped || waitMs > maxWaitMs) throw spent(waitMs);
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, waitMs);
        this.#waiting.add(wake);
      });
    }
  }
}

/** In points. A comment is looked for before it is written. */
export function priceOf(verb: string | symbol, { pointsPerRead, pointsPerWrite }: RequestLimits): number {
  if (!writes.has(verb)) return pointsPerRead;
  return comments.has(verb) ? pointsPerWrite + pointsPerRead : pointsPerWrite;
}

function isRepository(value: unknown): value is RepositoryRef {
  return typeof value === 'object' && value !== null && 'tenant' in value && 'provider' in value;
}

function spent(waitMs: number): GitHostError {
  return new GitHostError({
    code: 'rate-limited',
    what: 'Asking the Git host',
    why: 'What it lets this installation ask for is used up for now',
    fix: 'It is tried again when there is room',
    retryAfterMs: waitMs,
  });
}
