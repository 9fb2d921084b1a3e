import { code, escaped } from '../../checks/markdown.ts';
import { short } from '../../checks/prompt.ts';
import type { Approval } from '../../engine/core/approval.ts';
import type { ApprovedVia } from '../../engine/core/approval-subject.ts';
import type { PlannedStage } from '../../engine/core/pipeline.ts';
import type { Run } from '../../engine/core/run.ts';
import type { Person, RepositoryRef } from '../../engine/core/trigger.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { Comment, GitHost } from '../../providers/git-host.ts';
import { type ApprovalFacts, hashOf, isAt, openApprovals, type Place } from '../steering/approvals.ts';
import { type Answer, type Asked, denied, done, refused } from './answer.ts';
import { groupsOf, isIn, rightOf } from './rights.ts';

interface Waiting {
  readonly run: Run;
  readonly stage: PlannedStage;
  readonly approval: Approval;
}

export type Verdict = { readonly type: 'approve' } | { readonly type: 'reject'; readonly reason: string };

/** Counts people's answers to prompts: only to the state that stood before them, and only from who may. */
export class AnswerPrompt {
  readonly #loop: RunLoop;
  readonly #facts: ApprovalFacts;

  constructor(parts: { readonly loop: RunLoop; readonly facts: ApprovalFacts }) {
    this.#loop = parts.loop;
    this.#facts = parts.facts;
  }

  /** `/approve [environment]`, `/reject [reason]`. */
  async byCommand(asked: Asked, verdict: Verdict, environment: string | undefined, said: Comment): Promise<Answer> {
    const where = { tenant: asked.repository.tenant, repositoryId: asked.repository.id, number: asked.number };
    const open = openApprovals(this.#loop.drivenRuns(), where);
    const meant = open.filter(
      ({ approval }) => environment === undefined || approval.subject.environment === environment,
    );
    const [waiting, other] = meant;
    if (waiting === undefined && verdict.type === 'approve' && this.#hasApproved(where, environment, asked.by))
      return done('approved already');
    if (waiting === undefined) {
      const names = open.map(({ approval }) => code(approval.subject.environment)).join(', ');
      return refused(
        environment === undefined || names === ''
          ? 'Nothing waits for approval here'
          : `${code(environment)} does not wait for approval here; these do: ${names}`,
      );
    }
    if (other !== undefined) {
      const names = meant.map(({ approval }) => code(approval.subject.environment)).join(' and ');
      return refused(`${names} wait here: name the one that is meant`);
    }
    return this.#count(waiting, asked.repository, asked.host, asked.by, verdict, 'command', said);
  }

  /** 👍, 🚀 or 👎 on a prompt. Undefined: the comment is no open prompt of ours. */
  async byReaction(
    facts: { readonly repository: RepositoryRef; readonly number: number; readonly commentId: string },
    host: GitHost,
    by: Person,
    verdict: Verdict,
  ): Promise<Answer | undefined> {
    const { repository, number } = facts;
    const where = { tenant: repository.tenant, repositoryId: repository.id, number };
    const waiting = openApprovals(this.#loop.drivenRuns(), where).find(
      ({ approval }) => approval.prompt?.commentId === facts.commentId,
    );
    return waiting === undefined
      ? undefined
      : this.#count(waiting, repository, host, by, verdict, 'reaction', undefined);
  }

  /** Said again, or worked off again because the host failed after it was counted. */
  #hasApproved(where: Place, environment: string | undefined, by: Person): boolean {
    return this.#loop
      .drivenRuns()
      .filter((run) => isAt(run, where))
      .flatMap(({ approvals }) => Object.values(approvals))
      .some(
        ({ status, subject, given }) =>
          status === 'granted' &&
          (environment === undefined || subject.environment === environment) &&
          given.some((consent) => consent.by.id === by.id),
      );
  }

  async #count(
    { run, stage, approval }: Waiting,
    repository: RepositoryRef,
    host: GitHost,
    by: Person,
    verdict: Verdict,
    via: ApprovedVia,
    said: Comment | undefined,
  ): Promise<Answer> {
    const { policy, subject, prompt } = approval;
    const facts = {
      runId: run.runId,
      headSha: subject.headSha,
      ...(run.plan.policy === undefined ? {} : { policySha: run.plan.policy.sha }),
    };
    const what = `Answering for ${subject.environment}`;
    const write = await rightOf(host, repository, by, [], what);
    if (!write.may) return denied(escaped(write.why), facts);
    const owns: number[] = [];
    for (const [index, owners] of subject.owners.entries())
      if (await isIn(host, repository, by, groupsOf(owners))) owns.push(index);
    const named = await rightOf(host, repository, by, policy.by, what);
    if (!named.may && owns.length === 0) return denied(escaped(named.why), facts);

    if (prompt === undefined) return refused(`The prompt for ${code(subject.environment)} does not stand yet`, facts);
    const shown = await host.comment(repository, prompt.number, prompt.commentId);
    if (shown === undefined || shown.author.login !== (await host.ownLogin()) || hashOf(shown.body) !== prompt.hash) {
      const is = shown === undefined ? 'gone' : hashOf(shown.body);
      await this.#loop.send(run.runId, { type: 'VoidPrompt', stage: stage.name, approval: approval.approval, is });
      return refused('The prompt is not as it was written, so nothing said to it counts. A new one follows', facts);
    }
    if (said !== undefined && !isAfter(said, shown))
      return denied(
        `This was written before the prompt for ${code(subject.environment)} stood: read it, then answer it`,
        facts,
      );

    const address = { stage: stage.name, approval: approval.approval, by };
    const sent = await this.#loop.send(
      run.runId,
      verdict.type === 'reject'
        ? { type: 'RejectApproval', ...address, reason: verdict.reason }
        : {
            type: 'GiveApproval',
            ...address,
            via,
            counts: named.may,
            owns,
            now: await this.#facts.subjectOf(run, stage, approval),
          },
    );
    // That an author asks is a matter of rights; everything else, of time.
    if (!sent.ok)
      return /author/i.test(sent.reason) ? denied(sent.reason, facts) : refused(escaped(sent.reason), facts);
    const voided = sent.events.find(({ type }) => type === 'ApprovalVoided');
    if (voided?.type === 'ApprovalVoided')
      return refused(
        `The ${voided.field} moved from ${code(short(voided.was))} to ${code(short(voided.is))} since the prompt was written, so this does not count. A new prompt follows`,
        facts,
      );
    if (verdict.type === 'reject') return done(`rejected ${subject.environment}`, facts);
    const now = sent.run.approvals[stage.name];
    const missing = now?.status === 'open' ? `, ${remaining(now)}` : '';
    return done(`approved ${subject.environment}${missing}`, {
      ...facts,
      ...(missing === '' ? {} : { text: `Noted${missing}.` }),
    });
  }
}

/** Hosts tell times to the second and count comments up: within one second, the number decides. */
function isAfter(said: Comment, prompt: Comment): boolean {
  const [a, b] = [Math.floor(said.createdAt.getTime() / 1_000), Math.floor(prompt.createdAt.getTime() / 1_000)];
  return a > b || (a === b && Number(said.id) > Number(prompt.id));
}

function remaining({ policy, given, subject }: Approval): string {
  const counted = given.filter(({ counts }) => counts).length;
  const owned = new Set(given.flatMap(({ owns }) => owns));
  const owners = subject.owners.filter((_, index) => !owned.has(index)).map((list) => list.map(escaped).join(' or '));
  return [
    ...(counted < policy.required ? [`${counted} of ${policy.required} so far`] : []),
    ...(owners.length > 0 ? [`an owner is missing: ${owners.join('; ')}`] : []),
  ].join(', ');
}
