import { createHash } from 'node:crypto';
import { type FileMistake, renderCheck, renderConsent, renderMistakes } from '../../checks/check-run.ts';

import { commentMarker, renderComment, renderConsentComment } from '../../checks/comment.ts';
import { duration } from '../../checks/markdown.ts';
import { isEnded, type Run, type StageState, stageState } from '../../engine/core/run.ts';
import type { Wait } from '../../engine/core/schedule.ts';
import type { PullRequestTrigger, RepositoryRef, Sha, Trigger } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { RunChange } from '../../engine/run-loop.ts';
import type { CheckRun, DeploymentReport, GitHost } from '../../providers/git-host.ts';
import { GitHostError } from '../../providers/git-host-error.ts';
import type { Budget } from '../budget.ts';
import { answerMarker } from '../conversation/answer.ts';
import { priceOf, type RequestBudgets } from '../request-budgets.ts';
import { placeOf } from '../steering/approvals.ts';

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
const finalDelayMs = 20;
/** A stage that ends sooner is shown once, ended. */
const progressDelayMs = 1_500;
const queuedDelayMs = 10_000;
const commentDelayMs = 4_000;
const lateMs = 30_000;
const writersPerTenant = 6;
const maxTries = 20;
/** Permissions are accepted, and fresh commits found, some minutes late; half an hour of trying covers that. */
const maxRefusedTries = 12;
const maxRetryMs = 5 * 60_000;

/** Makes checks, comments and deployments at the hosts say what the runs' states say: within budgets, ends first. */
export class ShowChecks {
  readonly #hosts: (provider: string) => GitHost;
  readonly #shown;
  readonly #clock: Clock;
  readonly #budgets: RequestBudgets;
  readonly #waitsOf: (runId: string) => readonly Wait[];
  readonly #onShown: (runId: string) => void;
  readonly #addressOf: ((runId: string, stage?: string) => string) | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #wanted = new Map<string, Wanted>();
  readonly #writing = new Set<string>();
  readonly #told = new WeakSet<StageState>();
  readonly #writers = new Map<string, number>();
  /** Runs that ended, and are not known to be shown whole. */
  readonly #ended = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #nextPassAt = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(parts: {
    readonly hosts: (provider: string) => GitHost;
    readonly database: Database;
    readonly clock: Clock;
    /** Shared with all that asks the hosts. */
    readonly budgets: RequestBudgets;
    /** What stages that have a slot wait for. */
    readonly waitsOf?: (runId: string) => readonly Wait[];
    /** All that an ended run wants shown is shown, or was refused for good. */
    readonly onShown?: (runId: string) => void;
    /** Of the pages that tell more; absent where browsers do not reach Slipway. */
    readonly addressOf?: (runId: string, stage?: string) => string;
    readonly onError: (error: unknown) => void;
  }) {
    this.#hosts = parts.hosts;
    this.#shown = parts.database.collection<StoredShown>('shown');
    this.#clock = parts.clock;
    this.#budgets = parts.budgets;
    this.#waitsOf = parts.waitsOf ?? (() => []);
    this.#onShown = parts.onShown ?? (() => undefined);
    this.#addressOf = parts.addressOf;
    this.#onError = parts.onError;
  }

  async prepare(): Promise<void> {
    await this.#shown.createIndex({ expiresAt: 1 });
  }

  /** Level-triggered: may be called any number of times for a state, and for unfinished runs after a restart. */
  runChanged({ run }: Pick<RunChange, 'run'>): void {
    if (run.repository.provider === 'local') return;
    if (run.outcome === undefined) this.#ended.delete(run.runId);
    else this.#ended.add(run.runId);
    this.#wantRun(run);
    this.#tellShown(run.runId);
  }

  #wantRun(run: Run): void {
    const { repository, trigger, createdAt, runId } = run;
    const now = this.#clock.now().getTime();
    const waits = run.outcome === undefined ? this.#waitsOf(run.runId) : [];
    for (const stage of run.plan.stages) {
      const state = stageState(run, stage.name);
      // An end that was told is not rendered again with every change of the other stages.
      if (this.#told.has(state)) continue;
      if (isEnded(state)) this.#told.add(state);
      const detailsUrl = this.#addressOf?.(run.runId, stage.name);
      const check = {
        ...renderCheck(run, stage, waits.find((wait) => wait.stage === stage.name)?.reason),
        ...(detailsUrl === undefined ? {} : { detailsUrl }),
      };
      const isFinal = check.state.status === 'completed';
      const delay = isFinal ? finalDelayMs : check.state.status === 'queued' ? queuedDelayMs : progressDelayMs;
      const key = `${run.runId}/check/${stage.name}`;
      this.#want(
        key,
        repository,
        { type: 'check', headSha: trigger.headSha, check },
        { isFinal, createdAt, runId, dueAt: now + delay },
      );
      const report = deploymentOf(run, stage.name);
      if (report !== undefined) {
        this.#want(
          `${run.runId}/deployment/${stage.name}`,
          repository,
          { type: 'deployment', report },
          { isFinal: report.state !== 'in_progress', createdAt, runId, dueAt: now + progressDelayMs },
        );
      }
    }
    const number = placeOf(run);
    if (number === undefined) return;
    const addressOf = this.#addressOf;
    const { capabilities } = this.#hosts(repository.provider);
    const body = renderComment(
      run,
      capabilities,
      addressOf === undefined ? undefined : (stage) => addressOf(run.runId, stage),
    );
    const isFinal = run.outcome !== undefined;
    // What a command began is told in the answer to it; the rest in the one comment of the pull request.
    const askedIn = trigger.type === 'manual' ? trigger.askedIn : undefined;
    const prefix = `${repository.tenant}/${repository.id}`;
    this.#want(
      askedIn === undefined ? `${prefix}/comment/${number}` : `${prefix}/answer/${askedIn.commentId}`,
      repository,
      {
        type: 'comment',
        number,
        marker: askedIn === undefined ? commentMarker : answerMarker(askedIn.commentId),
        body,
      },
      { isFinal, createdAt, runId, dueAt: now + (isFinal ? finalDelayMs : commentDelayMs) },
    );
  }

  /** A pipeline file that cannot be used, as a failed check on the file. */
  async showMistakes(trigger: Trigger, path: string, mistakes: readonly FileMistake[]): Promise<void> {
    const now = this.#clock.now();
    const check = renderMistakes(path, mistakes, now);
    const key = `${trigger.repository.tenant}/${trigger.repository.id}/mistakes/${trigger.headSha}`;
    this.#want(
      key,
      trigger.repository,
      { type: 'check', headSha: trigger.headSha, check },
      { isFinal: true, createdAt: now, dueAt: now.getTime() },
    );
  }

  /** Whether a fork's run may go, as a check on its head; where statuses have no room for it, in the comment. */
  async showConsent(trigger: PullRequestTrigger): Promise<void> {
    const { repository, number, headSha, action, consentBy } = trigger;
    const now = this.#clock.now();
    const prefix = `${repository.tenant}/${repository.id}`;
    this.#want(
      `${prefix}/consent/${headSha}`,
      repository,
      { type: 'check', headSha, check: renderConsent(trigger, now) },
      { isFinal: true, createdAt: now, dueAt: now.getTime() },
    );
    const { capabilities } = this.#hosts(repository.provider);
    const isOpen = action !== 'closed' && action !== 'merged';
    if (capabilities.checks === 'check-runs' || consentBy !== undefined || !isOpen) return;
    this.#want(
      `${prefix}/comment/${number}`,
      repository,
      { type: 'comment', number, marker: commentMarker, body: renderConsentComment(trigger, capabilities) },
      { isFinal: true, createdAt: now, dueAt: now.getTime() },
    );
  }

  /** Resolves when all that is wanted is written. */
  async idle(): Promise<void> {
    while (this.#wanted.size > 0 || this.#writing.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async expire(): Promise<number> {
    const { deletedCount } = await this.#shown.deleteMany({ expiresAt: { $lte: this.#clock.now() } });
    return deletedCount;
  }

  #want(
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
      const hostId = await this.#publish(repository, shown, known, before !== null && known === undefined);
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
    if (wanted.runId !== undefined) this.#tellShown(wanted.runId);
  }

  #tellShown(runId: string): void {
    if (!this.#ended.has(runId)) return;
    for (const wanted of this.#wanted.values()) if (wanted.runId === runId) return;
    this.#ended.delete(runId);
    this.#onShown(runId);
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

function deploymentOf(run: Run, stageName: string): DeploymentReport | undefined {
  const environment = run.plan.stages.find(({ name }) => name === stageName)?.deploy?.environment;
  if (environment === undefined) return undefined;
  const state = stageState(run, stageName);
  const facts = { environment, sha: run.trigger.headSha };
  if (state.status === 'running') return { ...facts, state: 'in_progress', description: 'Rolling out' };
  if (state.status === 'failed')
    return {
      ...facts,
      state: 'failure',
      description:
        state.rolledBackTo === undefined ? 'Failed' : `Rolled back to revision ${state.rolledBackTo.revision}`,
    };
  if (state.status !== 'succeeded' || state.deployed === undefined) return undefined;
  return {
    ...facts,
    state: 'success',
    description: `Revision ${state.deployed.revision} is live`,
    ...(state.deployed.url === undefined ? {} : { url: state.deployed.url }),
  };
}
