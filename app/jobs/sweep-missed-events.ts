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
  /** Repositories of one tenant in one go, at 3 requests or a few more each: the hosts count requests. */
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
 * Finds what no delivery told: compares where branches, tags and open pull requests stand at the host with where Slipway last
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

  async #sweep({ _id, repository, knowsOldRefs = false, suspects }: KnownRepository): Promise<number> {
    const host = this.#hosts(repository.provider);
    // What is known is read first: what comes in meanwhile makes a suspect at most, which the second look clears.
    const known = await this.#refs.of(_id);
    const pulls = await host.openPullRequests(repository);
    const branches = await host.branchHeads(repository);
    const tags = await host.tagHeads(repository);
    const standing: Standing[] = [
      ...pulls.map(({ number, headSha, baseRef, author, authorId, ...facts }) => ({
        subject: `pull request ${number}`,
        headSha,
        baseRef,
        facts: factsOf(facts),
        event: { type: 'pull_request' as const, repository, number, author, authorId },
      })),
      ...branches.heads.map(({ branch, sha: headSha }) => {
        const subject = `branch ${branch}`;
        const beforeSha = known.find((ref) => ref.subject === subject)?.headSha;
        const event = { type: 'push' as const, repository, branch, headSha, ...(beforeSha ? { beforeSha } : {}) };
        return { subject, headSha, baseRef: '', event };
      }),
      ...tags.heads.map(({ tag, sha: headSha }) => {
        const event = { type: 'tag' as const, repository, tag, headSha };
        return { subject: `tag ${tag}`, headSha, baseRef: '', event };
      }),
    ];
    const lists = [
      { kind: 'branch ', isComplete: branches.isComplete },
      { kind: 'tag ', isComplete: tags.isComplete },
    ];
    const old = knowsOldRefs ? lists.flatMap((list) => fromBehind(list, standing, known)) : standing;
    if (old.length > 0) await this.#refs.keepAsOld(repository, old.map(withoutEvent));
    const places = old.length === 0 ? known : await this.#refs.of(_id);
    const bySubject = new Map(places.map((ref) => [ref.subject, ref]));
    const subjects = new Set(standing.map(({ subject }) => subject));
    const moved = standing.filter((now) => !isWhereItWas(now, bySubject.get(now.subject)));
    const closed = pulls.length < maxListed ? places.filter((ref) => isClosed(ref, subjects)) : [];
    const differences = [...moved, ...closed.map((ref) => closing(repository, ref))];
    let found = 0;
    for (const difference of differences) {
      if (!suspects.includes(suspectOf(difference))) continue;
      await this.#handIn(difference, bySubject.get(difference.subject));
      found += 1;
    }
    for (const ref of places)
      if (lists.some((list) => isDeleted(ref, list, subjects))) await this.#refs.forget(ref._id);
    const inMs = differences.length === 0 ? this.#pace.everyMs : this.#pace.againMs;
    await this.#refs.looked(_id, { inMs, suspects: differences.map(suspectOf) });
    return found;
  }

  /** The same finding is the same delivery, until Slipway has heard of something newer there. */
  async #handIn(difference: Standing, last: KnownRef | undefined): Promise<void> {
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

function isWhereItWas(now: Standing, ref: KnownRef | undefined): boolean {
  if (ref === undefined || !ref.isOpen) return false;
  const { facts = now.facts } = ref;
  return now.headSha === ref.headSha && now.baseRef === ref.baseRef && now.facts === facts;
}

function isClosed({ subject, isOpen }: KnownRef, subjects: ReadonlySet<string>): boolean {
  return isOpen && subject.startsWith('pull request ') && !subjects.has(subject);
}

/** Branches or tags that the host listed. */
interface Listed {
  /** What their subjects begin with. */
  readonly kind: string;
  readonly isComplete: boolean;
}

function isDeleted({ subject }: KnownRef, { kind, isComplete }: Listed, subjects: ReadonlySet<string>): boolean {
  return isComplete && subject.startsWith(kind) && !subjects.has(subject);
}

/**
 * Of a list that the host cut, what stands behind the last one known: as likely as new it is an old one, which came into
 * the list because another one was deleted.
 */
function fromBehind({ kind, isComplete }: Listed, standing: readonly Standing[], known: readonly KnownRef[]) {
  if (isComplete) return [];
  const subjects = new Set(known.map(({ subject }) => subject));
  const listed = standing.filter(({ subject }) => subject.startsWith(kind));
  return listed.slice(listed.findLastIndex(({ subject }) => subjects.has(subject)) + 1);
}

function closing(repository: RepositoryRef, { subject, headSha, baseRef }: KnownRef): Standing {
  const number = Number(subject.slice('pull request '.length));
  const event = { type: 'pull_request' as const, repository, number, author: 'somebody', authorId: '' };
  return { subject, headSha, baseRef: `${baseRef} closed`, event };
}

function suspectOf({ subject, headSha, baseRef, facts = '' }: Standing): string {
  return `${subject} ${headSha} ${baseRef} ${facts}`;
}
