import type {
  GoneEvent,
  HostEvent,
  KnownOfTrigger,
  PullRequestTrigger,
  PushTrigger,
  RepositoryRef,
  Sha,
  TagTrigger,
  Trigger,
} from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { GitHost } from '../../providers/git-host.ts';
import { completeTrigger } from './complete-trigger.ts';

/** Where a branch, a tag or an open pull request stood when Slipway last heard of it. */
export interface KnownRef {
  /** `<tenant>/<repository>/<subject>` */
  readonly _id: string;
  readonly repositoryKey: string;
  /** `branch main`, `tag v1`, `pull request 7` */
  readonly subject: string;
  readonly headSha: string;
  /** Of a pull request; else empty. */
  readonly baseRef: string;
  readonly isOpen: boolean;
  /** Of a pull request, what else decides what is run: whether it is a draft, and its labels. */
  readonly facts?: string;
  /** What told of it; absent for what was there before Slipway looked for the first time, of which nothing was run. */
  readonly delivery?: string;
  readonly at: Date;
}

/** A repository that Slipway has heard of, and when it is looked at next. */
export interface KnownRepository {
  readonly _id: string;
  readonly tenant: string;
  readonly repository: RepositoryRef;
  readonly sweepAt: Date;
  /** What was there at the first look is kept: branches, tags and pull requests. */
  readonly knowsOldRefs?: boolean;
  /** What differed at the last look: `<subject> <head> <base>`. */
  readonly suspects: readonly string[];
}

/** What a delivery told of a branch, tag or pull request. */
export type Happened =
  | Pick<Extract<HostEvent, { type: 'trigger' }>, 'type' | 'trigger'>
  | Pick<Extract<HostEvent, { type: 'incomplete' }>, 'type' | 'known'>;
/** `again`: it stands where it stood, but as a draft or with labels that it had not. */
type News =
  | { readonly trigger: Trigger }
  | { readonly again: PullRequestTrigger }
  | { readonly ignoredBecause: string };
type Asked = Pick<GitHost, 'defaultBranch' | 'pullRequest' | 'branchHead' | 'holds' | 'tagHeads'>;

const soonMs = 60_000;

/**
 * Tells news from what is known. Deliveries come twice, late, in any order or never, and the same state may be told by
 * several: what counts is where a branch or pull request stands, compared with where it was when something was last run.
 */
export class KnownRefs {
  readonly #refs;
  readonly #repositories;
  readonly #clock: Clock;

  constructor(parts: { readonly database: Database; readonly clock: Clock }) {
    this.#refs = parts.database.collection<KnownRef>('known-refs');
    this.#repositories = parts.database.collection<KnownRepository>('known-repositories');
    this.#clock = parts.clock;
  }

  async prepare(): Promise<void> {
    await this.#refs.createIndex({ repositoryKey: 1 });
    await this.#repositories.createIndex({ sweepAt: 1 });
  }

  /** @throws GitHostError when the host cannot be asked; the caller tries again */
  async news(event: Happened, delivery: string, host: Asked): Promise<News> {
    const told = event.type === 'trigger' ? event.trigger : event.known;
    await this.#know(told.repository);
    const trigger = needsHost(told) ? await completeTrigger(told, host) : told;
    if (trigger === undefined) return { ignoredBecause: 'the pull request is gone' };
    if (trigger.type === 'pull_request') return this.#pullRequestNews(trigger, told, delivery);
    if (trigger.type === 'tag') return this.#tagNews(trigger, delivery, host);
    return trigger.type === 'push' ? this.#pushNews(trigger, delivery, host) : { trigger };
  }

  /** To be called when all that follows from a trigger is begun. */
  async saw(trigger: Trigger, delivery: string): Promise<void> {
    if (trigger.type !== 'push' && trigger.type !== 'tag' && trigger.type !== 'pull_request') return;
    const place = placeOf(trigger);
    await this.#refs.replaceOne(
      { _id: place._id },
      { ...rest(place), delivery, at: this.#clock.now() },
      { upsert: true },
    );
  }

  /** Of a branch or tag that was deleted, the same commit is news. */
  async gone({ key, repository, because }: GoneEvent): Promise<{ readonly ignoredBecause: string }> {
    await this.#refs.updateOne({ _id: `${keyOf(repository)}/${key.subject}` }, { $set: { isOpen: false } });
    return { ignoredBecause: because };
  }

  /** Repositories whose time has come, the longest waiting first; of each tenant `perTenant` at most. */
  async due(perTenant: number): Promise<readonly KnownRepository[]> {
    const taken = new Map<string, number>();
    const all = await this.#repositories
      .find({ sweepAt: { $lte: this.#clock.now() } })
      .sort({ sweepAt: 1 })
      .limit(1_000)
      .toArray();
    return all.filter(({ tenant }) => {
      const count = (taken.get(tenant) ?? 0) + 1;
      taken.set(tenant, count);
      return count <= perTenant;
    });
  }

  async of(repositoryKey: string): Promise<readonly KnownRef[]> {
    return this.#refs.find({ repositoryKey }).toArray();
  }

  /** Keeps what stands there unheard of, so that nothing is run for what is older than Slipway. */
  async keepAsOld(
    repository: RepositoryRef,
    refs: readonly Pick<KnownRef, 'subject' | 'headSha' | 'baseRef' | 'facts'>[],
  ) {
    const repositoryKey = keyOf(repository);
    for (const ref of refs) {
      const _id = `${repositoryKey}/${ref.subject}`;
      await this.#refs.updateOne(
        { _id },
        { $setOnInsert: { ...ref, repositoryKey, isOpen: true, at: this.#clock.now() } },
        { upsert: true },
      );
    }
  }

  async forget(id: string): Promise<void> {
    await this.#refs.deleteOne({ _id: id });
  }

  async looked(id: string, next: { readonly inMs: number; readonly suspects: readonly string[] }): Promise<void> {
    const sweepAt = new Date(this.#clock.now().getTime() + next.inMs);
    await this.#repositories.updateOne({ _id: id }, { $set: { sweepAt, suspects: next.suspects, knowsOldRefs: true } });
  }

  /** Leaves a repository, or all of a tenant, alone for a while. */
  async postpone(which: { readonly _id: string } | { readonly tenant: string }, byMs: number): Promise<void> {
    const sweepAt = new Date(this.#clock.now().getTime() + byMs);
    await this.#repositories.updateMany({ ...which, sweepAt: { $lt: sweepAt } }, { $set: { sweepAt } });
  }

  async #pullRequestNews(trigger: PullRequestTrigger, told: KnownOfTrigger | Trigger, delivery: string): Promise<News> {
    const place = placeOf(trigger);
    // The host may lag behind its own delivery; a second look will tell.
    const isOther = 'headSha' in told && told.headSha !== trigger.headSha;
    if (isOther) await this.#lookSoon(place.repositoryKey);
    const known = await this.#refs.findOne({ _id: place._id });
    const isKnown =
      known?.delivery !== undefined &&
      known.delivery !== delivery &&
      known.headSha === place.headSha &&
      known.baseRef === place.baseRef &&
      known.isOpen === place.isOpen;
    if (!isKnown) return { trigger };
    const isSame = known.facts === undefined || known.facts === place.facts || !place.isOpen;
    return isSame ? { ignoredBecause: `it stands where ${known.delivery} told` } : { again: trigger };
  }

  /** Pushes in sequence are known by what came before them. Of others, one that a newer one overtook starts nothing. */
  async #pushNews(trigger: PushTrigger, delivery: string, host: Asked) {
    const { repository, branch, headSha, beforeSha } = trigger;
    const known = await this.#refs.findOne({ _id: placeOf(trigger)._id });
    if (known?.delivery === undefined || known.delivery === delivery) return { trigger };
    if (known.isOpen && known.headSha === headSha)
      return { ignoredBecause: `${branch} stands where ${known.delivery} told` };
    if (known.headSha === beforeSha) return { trigger };
    const tip = await host.branchHead(repository, branch);
    if (tip === headSha) return { trigger };
    const seen = known.headSha as Sha; // written by placeOf of a trigger, whose head is one
    const isOvertaken = tip === seen || (await host.holds(repository, seen, headSha));
    return isOvertaken
      ? { ignoredBecause: `a newer push to ${branch} came before it, as ${known.delivery}` }
      : { trigger };
  }

  /** A tag that moved, or was deleted and made again, is run for where it stands. */
  async #tagNews(trigger: TagTrigger, delivery: string, host: Asked) {
    const { repository, tag, headSha } = trigger;
    const known = await this.#refs.findOne({ _id: placeOf(trigger)._id });
    if (known?.delivery === undefined || known.delivery === delivery) return { trigger };
    if (known.isOpen && known.headSha === headSha)
      return { ignoredBecause: `${tag} stands where ${known.delivery} told` };
    const { heads, isComplete } = await host.tagHeads(repository);
    const now = heads.find((each) => each.tag === tag)?.sha;
    const isOvertaken = now === undefined ? isComplete : now !== headSha;
    return isOvertaken ? { ignoredBecause: `${tag} stands elsewhere by now, or is gone` } : { trigger };
  }

  async #know(repository: RepositoryRef): Promise<void> {
    const _id = keyOf(repository);
    const { matchedCount } = await this.#repositories.updateOne({ _id }, { $set: { repository } });
    if (matchedCount > 0) return;
    const first = { tenant: repository.tenant, sweepAt: this.#clock.now(), suspects: [] };
    await this.#repositories.updateOne({ _id }, { $setOnInsert: first, $set: { repository } }, { upsert: true });
  }

  async #lookSoon(_id: string): Promise<void> {
    const sweepAt = new Date(this.#clock.now().getTime() + soonMs);
    await this.#repositories.updateOne({ _id, sweepAt: { $gt: sweepAt } }, { $set: { sweepAt } });
  }
}

/** Equal for two states of a pull request's draft mark and labels that are. */
export function factsOf({ isDraft, labels }: Pick<PullRequestTrigger, 'isDraft' | 'labels'>): string {
  return JSON.stringify([isDraft, [...labels].sort()]);
}

function keyOf({ tenant, id }: RepositoryRef): string {
  return `${tenant}/${id}`;
}

/** A pull request is always looked at as it is now; of the rest, what the delivery left out. */
function needsHost(told: KnownOfTrigger | Trigger): told is KnownOfTrigger {
  return told.type === 'pull_request' || told.defaultBranch === undefined;
}

function placeOf(trigger: PushTrigger | TagTrigger | PullRequestTrigger): Omit<KnownRef, 'delivery' | 'at'> {
  const repositoryKey = keyOf(trigger.repository);
  const subject = subjectOf(trigger);
  const place = { _id: `${repositoryKey}/${subject}`, repositoryKey, subject, headSha: trigger.headSha };
  if (trigger.type !== 'pull_request') return { ...place, baseRef: '', isOpen: true };
  const isOpen = trigger.action === 'opened' || trigger.action === 'updated';
  return { ...place, baseRef: trigger.baseRef, isOpen, facts: factsOf(trigger) };
}

function subjectOf(trigger: PushTrigger | TagTrigger | PullRequestTrigger): string {
  switch (trigger.type) {
    case 'push':
      return `branch ${trigger.branch}`;
    case 'tag':
      return `tag ${trigger.tag}`;
    case 'pull_request':
      return `pull request ${trigger.number}`;
  }
}

function rest({ _id: _, ...facts }: Omit<KnownRef, 'delivery' | 'at'>): Omit<KnownRef, '_id' | 'delivery' | 'at'> {
  return facts;
}
