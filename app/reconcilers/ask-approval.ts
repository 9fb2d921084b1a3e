import { promptMarker, renderPrompt } from '../../checks/prompt.ts';
import type { Revisions } from '../../deploy/revisions.ts';
import { stagesForConsent } from '../../engine/core/decide.ts';
import type { PlannedStage } from '../../engine/core/pipeline.ts';
import type { Run } from '../../engine/core/run.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { GitHost } from '../../providers/git-host.ts';
import { type ApprovalFacts, environmentOf, hashOf, placeOf } from '../steering/approvals.ts';

const retryMs = 5_000;
const shownRevisions = 5;

/** Asks people for the consent that deploys wait for: one comment for each state, written once. */
export class AskApproval {
  readonly #loop: RunLoop;
  readonly #facts: ApprovalFacts;
  readonly #revisions: Revisions;
  readonly #hosts: (provider: string) => GitHost;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #asking = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #isStopped = false;

  constructor(parts: {
    readonly loop: RunLoop;
    readonly facts: ApprovalFacts;
    readonly revisions: Revisions;
    readonly hosts: (provider: string) => GitHost;
    readonly clock: Clock;
    readonly onError: (error: unknown) => void;
  }) {
    this.#loop = parts.loop;
    this.#facts = parts.facts;
    this.#revisions = parts.revisions;
    this.#hosts = parts.hosts;
    this.#clock = parts.clock;
    this.#onError = parts.onError;
    parts.loop.onChange(({ run }) => this.#look(run));
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Requests whose time is over expire; called by a job. */
  async expireDue(): Promise<void> {
    const now = this.#clock.now();
    for (const run of this.#loop.drivenRuns()) {
      for (const [stage, { status, approval, expiresAt }] of Object.entries(run.approvals)) {
        if (status === 'open' && expiresAt !== undefined && expiresAt <= now)
          await this.#loop.send(run.runId, { type: 'ExpireApproval', stage, approval });
      }
    }
  }

  #look(run: Run): void {
    for (const stage of stagesForConsent(run)) {
      const key = `${run.runId}/${stage.name}`;
      if (this.#isStopped || this.#asking.has(key)) continue;
      this.#asking.add(key);
      this.#ask(run, stage)
        .then(
          () => undefined,
          (error: unknown) => {
            this.#onError(error);
            return retryMs;
          },
        )
        .then((againInMs) => {
          this.#asking.delete(key);
          if (againInMs !== undefined) this.#lookAgain(run.runId, againInMs);
        });
    }
  }

  #lookAgain(runId: string, inMs: number): void {
    if (this.#isStopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const run = this.#loop.driven(runId);
      if (run !== undefined) this.#look(run);
    }, inMs);
    this.#timers.add(timer);
  }

  /** Goes on from what is recorded: killed between the comment and its record, it finds the comment by its marker. */
  async #ask(first: Run, stage: PlannedStage): Promise<void> {
    let run = first;
    if (run.approvals[stage.name]?.status !== 'open') {
      const subject = await this.#facts.subjectOf(run, stage);
      const sent = await this.#loop.send(run.runId, { type: 'RequestApproval', stage: stage.name, subject });
      if (!sent.ok) return;
      run = sent.run;
    }
    const approval = run.approvals[stage.name];
    const number = placeOf(run);
    if (approval === undefined || approval.prompt !== undefined || number === undefined) return;
    const { repository } = run;
    const host = this.#hosts(repository.provider);
    const history = await this.#revisions.history(environmentOf(run, stage), shownRevisions);
    const changed = await this.#facts.changed(run, approval.subject);
    const facts = { run, stage: stage.name, approval, history, ...(changed === undefined ? {} : { changed }) };
    const commentId = await host.ensureComment(
      repository,
      number,
      {
        marker: promptMarker(run.runId, stage.name, approval.approval),
        body: renderPrompt(facts, host.capabilities),
      },
      undefined,
    );
    // As the host keeps it, which may not be quite as it was sent.
    const written = await host.comment(repository, number, commentId);
    if (written === undefined)
      throw new Error(`The prompt in pull request ${number} is gone as soon as it was written`);
    await this.#loop.send(run.runId, {
      type: 'ShowApproval',
      stage: stage.name,
      approval: approval.approval,
      prompt: { number, commentId, hash: hashOf(written.body) },
    });
  }
}
