import { type FileMistake, renderCheck, renderConsent, renderMistakes } from '../../checks/check-run.ts';
import { commentMarker, renderComment, renderConsentComment } from '../../checks/comment.ts';
import { isEnded, type Run, type StageState, stageState } from '../../engine/core/run.ts';
import type { Wait } from '../../engine/core/schedule.ts';
import type { PullRequestTrigger, Trigger } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { RunChange } from '../../engine/run-loop.ts';
import type { DeploymentReport, GitHost } from '../../providers/git-host.ts';
import { answerMarker } from '../conversation/answer.ts';
import type { RequestBudgets } from '../request-budgets.ts';
import { placeOf } from '../steering/approvals.ts';
import { HostWriter } from './host-writer.ts';

const finalDelayMs = 20;
/** A stage that ends sooner is shown once, ended. */
const progressDelayMs = 1_500;
const queuedDelayMs = 10_000;
const commentDelayMs = 4_000;

/** Makes checks, comments and deployments at the hosts say what the runs' states say: within budgets, ends first. */
export class ShowChecks {
  readonly #hosts: (provider: string) => GitHost;
  readonly #clock: Clock;
  readonly #writer: HostWriter;
  readonly #waitsOf: (runId: string) => readonly Wait[];
  readonly #onShown: (runId: string) => void;
  readonly #addressOf: ((runId: string, stage?: string) => string) | undefined;
  readonly #told = new WeakSet<StageState>();
  /** Runs that ended, and are not known to be shown whole. */
  readonly #ended = new Set<string>();

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
    this.#clock = parts.clock;
    this.#writer = new HostWriter({ ...parts, onWritten: (runId) => this.#tellShown(runId) });
    this.#waitsOf = parts.waitsOf ?? (() => []);
    this.#onShown = parts.onShown ?? (() => undefined);
    this.#addressOf = parts.addressOf;
  }

  async prepare(): Promise<void> {
    await this.#writer.prepare();
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
      this.#writer.want(
        key,
        repository,
        { type: 'check', headSha: trigger.headSha, check },
        { isFinal, createdAt, runId, dueAt: now + delay },
      );
      const report = deploymentOf(run, stage.name);
      if (report !== undefined) {
        this.#writer.want(
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
    this.#writer.want(
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
    const check = renderMistakes(trigger, path, mistakes, now);
    const key = `${trigger.repository.tenant}/${trigger.repository.id}/mistakes/${trigger.headSha}`;
    this.#writer.want(
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
    this.#writer.want(
      `${prefix}/consent/${headSha}`,
      repository,
      { type: 'check', headSha, check: renderConsent(trigger, now) },
      { isFinal: true, createdAt: now, dueAt: now.getTime() },
    );
    const { capabilities } = this.#hosts(repository.provider);
    const isOpen = action !== 'closed' && action !== 'merged';
    if (capabilities.checks === 'check-runs' || consentBy !== undefined || !isOpen) return;
    this.#writer.want(
      `${prefix}/comment/${number}`,
      repository,
      { type: 'comment', number, marker: commentMarker, body: renderConsentComment(trigger, capabilities) },
      { isFinal: true, createdAt: now, dueAt: now.getTime() },
    );
  }

  #tellShown(runId: string): void {
    if (!this.#ended.has(runId) || this.#writer.isBusyWith(runId)) return;
    this.#ended.delete(runId);
    this.#onShown(runId);
  }

  /** Resolves when all that is wanted is written. */
  idle(): Promise<void> {
    return this.#writer.idle();
  }

  stop(): Promise<void> {
    return this.#writer.stop();
  }

  /** Forgets what was shown long ago. @returns how much */
  expire(): Promise<number> {
    return this.#writer.expire();
  }
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
