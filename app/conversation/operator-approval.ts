import { plannedStage } from '../../engine/core/run.ts';
import type { Person } from '../../engine/core/trigger.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { ApprovalFacts } from '../steering/approvals.ts';
import type { Audit } from '../steering/audit.ts';

/** Answers by the command line of the machine that runs Slipway, where no pull request is at hand. */
export class OperatorApproval {
  readonly #loop: RunLoop;
  readonly #facts: ApprovalFacts;
  readonly #audit: Audit;

  constructor(parts: { readonly loop: RunLoop; readonly facts: ApprovalFacts; readonly audit: Audit }) {
    this.#loop = parts.loop;
    this.#facts = parts.facts;
    this.#audit = parts.audit;
  }

  /** @param environment absent: the one that waits */
  async answer(
    runId: string,
    environment: string | undefined,
    by: Person,
    verdict: 'approve' | 'reject',
    reason: string,
  ): Promise<{ readonly ok: true; readonly message: string } | { readonly ok: false; readonly error: string }> {
    const run = this.#loop.driven(runId);
    const waiting = Object.entries(run?.approvals ?? {}).filter(
      ([, { status, subject }]) =>
        status === 'open' && (environment === undefined || subject.environment === environment),
    );
    const [first, second] = waiting;
    if (run === undefined || first === undefined)
      return {
        ok: false,
        error: `Nothing of run ${runId} waits for approval${environment ? ` in ${environment}` : ''}`,
      };
    if (second !== undefined) {
      const names = waiting.map(([, { subject }]) => subject.environment).join(', ');
      return { ok: false, error: `Several environments wait: ${names}. Name one` };
    }
    const [name, approval] = first;
    const stage = plannedStage(run, name);
    if (stage === undefined) return { ok: false, error: `Run ${runId} has no stage "${name}"` };
    const address = { stage: name, approval: approval.approval, by };
    const sent = await this.#loop.send(
      runId,
      verdict === 'reject'
        ? { type: 'RejectApproval', ...address, reason }
        : {
            type: 'GiveApproval',
            ...address,
            via: 'command line',
            counts: true,
            owns: approval.subject.owners.map((_, index) => index),
            now: await this.#facts.subjectOf(run, stage, approval),
          },
    );
    const voided = sent.ok ? sent.events.find(({ type }) => type === 'ApprovalVoided') : undefined;
    const why = !sent.ok
      ? sent.reason
      : voided?.type === 'ApprovalVoided'
        ? `The ${voided.field} moved since it was asked: see the new request`
        : undefined;
    const message = `${verdict === 'approve' ? 'Approved' : 'Rejected'} ${approval.subject.environment} of run ${runId}`;
    await this.#audit.record(`command-line/${runId}/${name}/${approval.approval}/${why ?? verdict}`, run.repository, {
      who: by,
      what: `${verdict} ${approval.subject.environment} by the command line`,
      outcome: why === undefined ? 'done' : 'refused',
      why: why ?? message,
      headSha: approval.subject.headSha,
      runId,
      ...(run.plan.policy === undefined ? {} : { policySha: run.plan.policy.sha }),
    });
    return why === undefined ? { ok: true, message } : { ok: false, error: why };
  }
}
