import { createHash } from 'node:crypto';
import { duration } from '../../checks/markdown.ts';
import type { RepositoryRef, Sha } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { CheckRun, DeploymentReport, GitHost } from '../../providers/git-host.ts';
import { GitHostError } from '../../providers/git-host-error.ts';
import type { Budget } from '../budget.ts';
import { priceOf, type RequestBudgets } from '../request-budgets.ts';

/** What was last written at the host, so that the same is not written again, and nothing twice after a crash. */
interface StoredShown {
  readonly _id: string;
  /** The host's id; absent while the first write is under way. */
  readonly hostId?: string;
  readonly hash?: string;
  /** A completed check stays as it is: hosts start none again, and its annotations cannot be taken back. */
  readonly isCompleted?: boolean;
  /** Of the run whose state stands there. */
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

type Content =
  | { readonly type: 'check'; readonly headSha: Sha; readonly check: CheckRun }
  | { readonly type: 'comment'; readonly number: number; readonly marker: string; readonly body: string }
  | { readonly type: 'deployment'; readonly report: DeploymentReport };

/** What should stand at the host. */
interface Wanted {
  readonly key: string;
  readonly repository: RepositoryRef;
  readonly content: Content;
  readonly hash: string;
  readonly isFinal: boolean;
  readonly createdAt: Date;
  /** Whose state it shows; absent where no run came of it. */
  readonly runId?: string;
  /** When it was first wanted: what waited long says so. */
  readonly since: number;
  dueAt: number;
  tries: number;
}

/** What answers to people find left of the limits at any time: a twentieth. */
const ownShare = 0.95;
const keptMs = 30 * 24 * 3_600_000;
const lateMs = 30_000;
const writersPerTenant = 6;
const maxTries = 20;
const stopMs = 3_000;
/** Permissions are accepted, and fresh commits found, some minutes late; half an hour of trying covers that. */
const maxRefusedTries = 12;
const maxRetryMs = 5 * 60_000;

/** Writes at the hosts what should stand there: the newest of each, ends first, within budgets, tried again where it failed. */
export class HostWriter {
  readonly #hosts: (provider: string) => GitHost;
  readonly #shown;
  readonly #clock: Clock;
  readonly #budgets: RequestBudgets;
  readonly #onWritten: (runId: string) => void;
  readonly #onError: (error: unknown) => void;
  readonly #wanted = new Map<string, Wanted>();
  readonly #writing = new Set<string>();
  readonly #writers = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #nextPassAt = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(parts: {
    readonly hosts: (provider: string) => GitHost;
    readonly database: Database;
    readonly clock: Clock;
    readonly budgets: RequestBudgets;
    /** Something of a run was written, or refused for good. */
    readonly onWritten: (runId: string) => void;
    readonly onError: (error: unknown) => void;
  }) {
    this.#hosts = parts.hosts;
    this.#shown = parts.database.collection<StoredShown>('shown');
    this.#clock = parts.clock;
    this.#budgets = parts.budgets;
    this.#onWritten = parts.onWritten;
    this.#onError = parts.onError;
  }

  async prepare(): Promise<void> {
    await this.#shown.createIndex({ expiresAt: 1 });
  }

  /** What should stand at the host under a key, in place of what was wanted there before. */
  want(
    key: string,
    repository: RepositoryRef,
    content: Content,
    facts: Pick<Wanted, 'isFinal' | 'createdAt' | 'dueAt' | 'runId'>,
  ): void {
    const before = this.#wanted.get(key);
    // A superseded run that ends late must not take the place of the newer one.
    if (before !== undefined && before.createdAt > facts.createdAt) return;
    const hash = createHash('sha256').update(JSON.stringify(content)).digest('base64');
    if (before?.hash === hash) return;
    // Progress that keeps changing is not put off again and again.
    const dueAt = before === undefined || facts.isFinal ? facts.dueAt : Math.min(before.dueAt, facts.dueAt);
    this.#wanted.set(key, {
      key,
      repository,
      content,
      hash,
      isFinal: facts.isFinal,
      createdAt: facts.createdAt,
      ...(facts.runId === undefined ? {} : { runId: facts.runId }),
      since: before?.since ?? this.#clock.now().getTime(),
      dueAt,
      tries: 0,
    });
    this.#passAt(dueAt);
  }

  #passAt(dueAt: number): void {
    if (this.#isStopped || dueAt >= this.#nextPassAt) return;
    this.#nextPassAt = dueAt;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pass(), Math.max(0, dueAt - this.#clock.now().getTime()));
  }

  /** Whose tenant has no free writer is looked at when one is free again. */
  #schedule(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { key, dueAt, repository } of this.#wanted.values()) {
      const isHeld = this.#writing.has(key) || this.#writersOf(repository.tenant) >= writersPerTenant;
      if (dueAt < next && !isHeld) next = dueAt;
    }
    this.#passAt(next);
  }

  /** Ends before progress, then what is due longest. */
  #pass(): void {
    const now = this.#clock.now().getTime();
    this.#nextPassAt = Number.POSITIVE_INFINITY;
    const due = [...this.#wanted.values()]
      .filter(({ key, dueAt }) => dueAt <= now && !this.#writing.has(key))
      .sort((a, b) => Number(b.isFinal) - Number(a.isFinal) || a.dueAt - b.dueAt);
    /** When a used-up budget has room again: asked once in a pass. */
    const spent = new Map<Budget, number>();
    for (const wanted of due) {
      const { tenant } = wanted.repository;
      if (this.#writersOf(tenant) >= writersPerTenant) continue;
      const waitMs = this.#spend(wanted, spent);
      if (waitMs > 0) {
        wanted.dueAt = now + waitMs;
        continue;
      }
      this.#writers.set(tenant, this.#writersOf(tenant) + 1);
      this.#writing.add(wanted.key);
      this.#write(wanted)
        .catch((error: unknown) => this.#failed(wanted, error))
        .finally(() => {
          this.#writers.set(tenant, this.#writersOf(tenant) - 1);
          this.#writing.delete(wanted.key);
          this.#schedule();
        });
    }
    this.#schedule();
  }

  async #write(wanted: Wanted): Promise<void> {
    const { key, repository, content, hash, createdAt } = wanted;
    const before = await this.#shown.findOne({ _id: key });
    const isStale = before !== null && before.createdAt > createdAt;
    if (!isStale && before?.hash !== hash) {
      const expiresAt = new Date(this.#clock.now().getTime() + keptMs);
      // Told before the first write, so that after a crash the host is asked before another one is made.
      if (before === null) await this.#shown.insertOne({ _id: key, createdAt, expiresAt });
      else if (before.isCompleted === true) await this.#shown.replaceOne({ _id: key }, { createdAt, expiresAt });
      const known = before?.isCompleted === true ? undefined : before?.hostId;
      const shown = late(content, this.#clock.now().getTime() - wanted.since);
      // What a run wrote that waited for people since is not remembered any more, but stands.
      const isForgotten = before === null && createdAt.getTime() + keptMs <= this.#clock.now().getTime();
      const mayExist = known === undefined && (before !== null || isForgotten);
      const hostId = await this.#publish(repository, shown, known, mayExist);
      const isCompleted = content.type === 'check' && content.check.state.status === 'completed';
      if (hostId !== undefined)
        await this.#shown.replaceOne(
          { _id: key },
          { hostId, hash, createdAt, expiresAt, ...(isCompleted ? { isCompleted } : {}) },
          { upsert: true },
        );
    }
    this.#done(wanted);
  }

  /** Nothing newer was wanted in its place meanwhile: it is over. */
  #done(wanted: Wanted): void {
    if (this.#wanted.get(wanted.key) !== wanted) return;
    this.#wanted.delete(wanted.key);
    if (wanted.runId !== undefined) this.#onWritten(wanted.runId);
  }

  /** Whether something of a run is not written yet. */
  isBusyWith(runId: string): boolean {
    for (const wanted of this.#wanted.values()) if (wanted.runId === runId) return true;
    return false;
  }

  /** Resolves when all that is wanted is written. */
  async idle(): Promise<void> {
    while (this.#wanted.size > 0 || this.#writing.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Begins nothing more, and lets end what is being written, unless the host takes too long to answer. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (let waitedMs = 0; this.#writing.size > 0 && waitedMs < stopMs; waitedMs += 10)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async expire(): Promise<number> {
    const { deletedCount } = await this.#shown.deleteMany({ expiresAt: { $lte: this.#clock.now() } });
    return deletedCount;
  }

  async #publish(
    repository: RepositoryRef,
    content: Content,
    known: string | undefined,
    mayExist: boolean,
  ): Promise<string | undefined> {
    const host = this.#hosts(repository.provider);
    switch (content.type) {
      case 'check':
        return host.publishCheck(
          repository,
          content.headSha,
          { ...content.check, ...(mayExist ? { mayExist } : {}) },
          known,
        );
      case 'comment':
        return host.ensureComment(repository, content.number, { marker: content.marker, body: content.body }, known);
      case 'deployment':
        return host.publishDeployment(repository, content.report, known);
    }
  }

  #failed(wanted: Wanted, error: unknown): void {
    this.#onError(error);
    wanted.tries += 1;
    if (wanted.tries >= triesOf(error)) {
      // The host refuses it for good: trying for ever would help nobody, and the run goes on without it.
      this.#done(wanted);
      return;
    }
    const retryAfterMs = error instanceof GitHostError ? error.retryAfterMs : undefined;
    if (retryAfterMs !== undefined) {
      const { limits } = this.#hosts(wanted.repository.provider).capabilities;
      const { content, points } = this.#budgets.of(wanted.repository, limits);
      content.hold(retryAfterMs);
      points.hold(retryAfterMs);
    }
    wanted.dueAt = this.#clock.now().getTime() + (retryAfterMs ?? Math.min(500 * 2 ** wanted.tries, maxRetryMs));
  }

  /** 0 where it may be written now, and is paid for. @param spent what was found used up in this pass */
  #spend({ repository, content }: Wanted, spent: Map<Budget, number>): number {
    const { limits } = this.#hosts(repository.provider).capabilities;
    const { points, content: comments } = this.#budgets.of(repository, limits);
    const price = priceOf(verbOf(content), limits);
    // Annotations go in batches, each a request.
    const requests = content.type === 'check' ? Math.max(1, Math.ceil(content.check.annotations.length / 50)) : 1;
    const costs: readonly (readonly [Budget, number])[] = [
      ...(content.type === 'comment' ? [[comments, 1] as const] : []),
      [points, price * requests],
    ];
    for (const [budget, cost] of costs) {
      const waitMs = spent.get(budget) ?? budget.waitMs(cost, ownShare);
      if (waitMs === 0) continue;
      spent.set(budget, waitMs);
      return waitMs;
    }
    for (const [budget, cost] of costs) budget.spend(cost);
    return 0;
  }

  #writersOf(tenant: string): number {
    return this.#writers.get(tenant) ?? 0;
  }
}

function verbOf({ type }: Content): keyof GitHost {
  return type === 'check' ? 'publishCheck' : type === 'comment' ? 'ensureComment' : 'publishDeployment';
}

function triesOf(error: unknown): number {
  if (!(error instanceof GitHostError) || error.isTransient) return maxTries;
  return error.code === 'denied' || error.code === 'not-found' ? maxRefusedTries : 1;
}

/** The host lets only so much be written at a time: a comment that waited for its turn says so. */
function late(content: Content, waitedMs: number): Content {
  if (content.type !== 'comment' || waitedMs < lateMs) return content;
  const note = `⏳ Reporting is delayed: this was written ${duration(waitedMs)} after it happened.`;
  return { ...content, body: `${content.body}\n\n${note}` };
}
