import { createHash } from 'node:crypto';
import type { RepositoryRef } from '../../engine/core/trigger.ts';
import type { GitHost } from '../../providers/git-host.ts';
import { GitHostError } from '../../providers/git-host-error.ts';
import type { Delivery } from '../intake/inbox.ts';
import { factsOf, type KnownRef, type KnownRefs, type KnownRepository } from '../intake/known-refs.ts';
import { type MissedEvent, missedProvider } from '../intake/missed-event.ts';

export interface SweepPace {
  /** From one look at a repository to the next. */
  readonly everyMs: number;
  /** To the second look at what differs: a delivery may be on its way. */
  readonly againMs: number;
  /** Repositories of one tenant in one go, at 2 requests or a few more each: the hosts count requests. */
  readonly perTenant: number;
}

/** With a go each 30 seconds: at most 120 looks an hour for a tenant, of the 1,000 requests that the strictest host allows. */
export const defaultPace: SweepPace = { everyMs: 10 * 60_000, againMs: 60_000, perTenant: 1 };

const deniedMs = 6 * 3_600_000;
const unavailableMs = 5 * 60_000;
/** The list of pull requests may be cut from here on, and says nothing of those that are not in it. */
const maxListed = 1_000;

interface Standing {
  readonly subject: string;
  readonly headSha: string;
  readonly baseRef: string;
  readonly facts?: string;
  readonly event: Unfound;
}

/** What was not told, before it is handed in. */
type Unfound = MissedEvent extends infer One ? Omit<One, 'finding'> : never;

/**
 * Finds what no delivery told: compares where branches and open pull requests stand at the host with where Slipway last
 * heard they stood. What differs twice is handed to the inbox, and goes the way of a delivery from there.
 */
export class SweepMissedEvents {
  readonly #refs: KnownRefs;
  readonly #hosts: (provider: string) => GitHost;
  readonly #take: (delivery: Delivery) => Promise<unknown>;
  readonly #pace: SweepPace;
  readonly #onError: (error: unknown) => void;

  constructor(parts: {
    readonly refs: KnownRefs;
    readonly hosts: (provider: string) => GitHost;
    /** Into the inbox. */
    readonly take: (delivery: Delivery) => Promise<unknown>;
    readonly pace: SweepPace;
    readonly onError: (error: unknown) => void;
  }) {
    this.#refs = parts.refs;
    this.#hosts = parts.hosts;
    this.#take = parts.take;
    this.#pace = parts.pace;
    this.#onError = parts.onError;
  }

  /** @returns how many repositories were looked at, and how many events were missed */
  async sweepDue(): Promise<{ readonly looked: number; readonly found: number }> {
    let found = 0;
    const due = await this.#refs.due(this.#pace.perTenant);
    for (const known of due) {
      try {
        found += await this.#sweep(known);
      } catch (error) {
        await this.#postpone(known, error);
      }
    }
    return { looked: due.length, found };
  }

  async #sweep({ _id, repository, hasBaseline, suspects }: KnownRepository): Promise<number> {
    const host = this.#hosts(repository.provider);
    // What is known is read first: what comes in meanwhile makes a suspect at most, which the second look clears.
    const known = await this.#refs.of(_id);
    const pulls = await host.openPullRequests(repository);
    const { heads, isComplete } = await host.branchHeads(repository);
    const standing: Standing[] = [
      ...pulls.map(({ number, headSha, baseRef, author, authorId, ...facts }) => ({
        subject: `pull request ${number}`,
        headSha,
        baseRef,
        facts: factsOf(facts),
        event: { type: 'pull_request' as const, repository, number, author, authorId },
      })),
      ...heads.map(({ branch, sha }) => {
        const before = known.find(({ subject }) => subject === `branch ${branch}`)?.headSha;
        return {
          subject: `branch ${branch}`,
          headSha: sha,
          baseRef: '',
          event: { type: 'push' as const, repository, branch, headSha: sha, ...(before ? { beforeSha: before } : {}) },
        };
      }),
    ];
    if (!hasBaseline) await this.#refs.keepAsOld(repository, standing.map(withoutEvent));
    const places = hasBaseline ? known : await this.#refs.of(_id);
    const moved = standing.filter((now) => !isWhereItWas(now, places));
    const closed = pulls.length < maxListed ? places.filter((ref) => isClosed(ref, standing)) : [];
    const differences = [...moved, ...closed.map((ref) => closing(repository, ref))];
    let found = 0;
    for (const difference of differences) {
      if (!suspects.includes(suspectOf(difference))) continue;
      await this.#handIn(difference, places);
      found += 1;
    }
    if (isComplete) for (const ref of places) if (isDeleted(ref, heads)) await this.#refs.forget(ref._id);
    const inMs = differences.length === 0 ? this.#pace.everyMs : this.#pace.againMs;
    await this.#refs.looked(_id, { inMs, suspects: differences.map(suspectOf) });
    return found;
  }

  /** The same finding is the same delivery, until Slipway has heard of something newer there. */
  async #handIn(difference: Standing, places: readonly KnownRef[]): Promise<void> {
    const last = places.find(({ subject }) => subject === difference.subject);
    const { event, headSha, baseRef } = difference;
    const facts = [event, headSha, baseRef, difference.facts ?? '', last?.delivery, last?.at];
    const id = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32);
    const body = JSON.stringify({ ...event, finding: id });
    await this.#take({ provider: missedProvider, id, event: 'missed', body });
  }

  async #postpone({ _id, tenant }: KnownRepository, error: unknown): Promise<void> {
    if (!(error instanceof GitHostError)) {
      await this.#refs.postpone({ _id }, unavailableMs);
      throw error;
    }
    // A host that says "slow down" means all of the tenant's repositories; one that is gone or closed is asked now and then.
    if (error.code === 'rate-limited')
      return this.#refs.postpone({ tenant }, Math.max(error.retryAfterMs ?? 0, unavailableMs));
    await this.#refs.postpone({ _id }, error.isTransient ? unavailableMs : deniedMs);
    this.#onError(error);
  }
}

function withoutEvent({ event: _, ...standing }: Standing): Omit<Standing, 'event'> {
  return standing;
}

function isWhereItWas(now: Standing, places: readonly KnownRef[]): boolean {
  return places.some(
    ({ subject, headSha, baseRef, isOpen, facts = now.facts }) =>
      isOpen && subject === now.subject && headSha === now.headSha && baseRef === now.baseRef && facts === now.facts,
  );
}

function isClosed(ref: KnownRef, standing: readonly Standing[]): boolean {
  return (
    ref.isOpen && ref.subject.startsWith('pull request ') && !standing.some(({ subject }) => subject === ref.subject)
  );
}

function isDeleted(ref: KnownRef, heads: readonly { readonly branch: string }[]): boolean {
  return ref.subject.startsWith('branch ') && !heads.some(({ branch }) => ref.subject === `branch ${branch}`);
}

function closing(repository: RepositoryRef, { subject, headSha, baseRef }: KnownRef): Standing {
  const number = Number(subject.slice('pull request '.length));
  const event = { type: 'pull_request' as const, repository, number, author: 'somebody', authorId: '' };
  return { subject, headSha, baseRef: `${baseRef} closed`, event };
}

function suspectOf({ subject, headSha, baseRef, facts = '' }: Standing): string {
  return `${subject} ${headSha} ${baseRef} ${facts}`;
}
