import type { Revisions } from '../../deploy/revisions.ts';
import { approvalPolicyOf } from '../../engine/core/approval.ts';
import type { Wait } from '../../engine/core/schedule.ts';
import type { HostEvent, PullRequestTrigger } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { RunList } from '../../engine/ports/run-list.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { GitHost } from '../../providers/git-host.ts';
import type { StartRun } from '../intake/start-run.ts';
import { PollReactions } from '../jobs/poll-reactions.ts';
import { AskApproval } from '../reconcilers/ask-approval.ts';
import type { MayStart } from '../reconcilers/roll-out.ts';
import { ApprovalFacts, placeOf } from '../steering/approvals.ts';
import { Audit } from '../steering/audit.ts';
import { ForkRequests } from '../steering/fork-requests.ts';
import { Hotfixes } from '../steering/hotfixes.ts';
import { Proposals } from '../steering/proposals.ts';
import { Stops } from '../steering/stops.ts';
import { AnswerComment } from './answer-comment.ts';
import { AnswerPrompt } from './approve.ts';
import { Asking } from './asking.ts';
import { DeployByCommand } from './deploy.ts';
import { OperatorApproval } from './operator-approval.ts';
import { PressButton } from './press-button.ts';
import { StopDeploys } from './stop.ts';

type Said = Extract<HostEvent, { type: 'comment' | 'reaction' | 'label' | 'rerun' }>;

/** What people say in pull requests, and what Slipway asks them there. */
export interface Conversation {
  readonly audit: Audit;
  readonly hotfixes: Hotfixes;
  readonly operator: OperatorApproval;
  readonly mayStart: MayStart;
  /** A fork's run asks for consent, or does no more. */
  forkAsked(trigger: PullRequestTrigger): Promise<void>;
  /**
   * @param delivery tells what was said from everything else
   * @throws GitHostError when the host cannot be asked; the caller tries again
   */
  answer(said: Said, delivery: string, start: StartRun): Promise<{ readonly ignoredBecause?: string }>;
  /** For the job runner. @param start what consent by command starts */
  jobs(
    start: StartRun,
  ): readonly { readonly name: string; readonly every: string; readonly run: () => Promise<unknown> }[];
  stop(): void;
}

export async function openConversation(parts: {
  readonly database: Database;
  readonly loop: RunLoop;
  readonly runs: RunList;
  readonly revisions: Revisions;
  readonly hosts: (provider: string) => GitHost;
  readonly waitsOf: (runId: string) => readonly Wait[];
  readonly clock: Clock;
  readonly replica: string;
  readonly onError: (error: unknown) => void;
}): Promise<Conversation> {
  const { database, loop, clock } = parts;
  const audit = new Audit(database, clock);
  const proposals = new Proposals(database);
  await Promise.all([audit.prepare(), proposals.prepare()]);
  const hotfixes = new Hotfixes(database);
  const requests = new ForkRequests(database, clock);
  const stops = new Stops(database);
  const facts = new ApprovalFacts(parts);
  const asking = new AskApproval({ ...parts, facts });
  const stopDeploys = new StopDeploys({ loop, stops, clock });
  const shared = {
    ...parts,
    prompts: new AnswerPrompt({ loop, facts }),
    deploys: new DeployByCommand({ ...parts, proposals }),
    stops: stopDeploys,
    hotfixes,
    requests,
    audit,
    asked: new Asking(clock),
  };

  return {
    audit,
    hotfixes,
    operator: new OperatorApproval({ loop, facts, audit }),
    async mayStart(run, stage) {
      if (run.repository.provider === 'local' || stage.deploy === undefined) return {};
      const heldBecause = await stops.reason(run.repository, stage.deploy.environment, placeOf(run));
      if (heldBecause !== undefined) return { heldBecause };
      const approval = run.approvals[stage.name];
      const isAsked = approval !== undefined && approvalPolicyOf(run.plan, stage) !== undefined;
      return isAsked ? { now: await facts.subjectOf(run, stage, approval) } : {};
    },
    forkAsked: (trigger) => requests.asked(trigger),
    answer(said, delivery, start) {
      const answers = new AnswerComment({ ...shared, start });
      switch (said.type) {
        case 'comment':
          return answers.comment(said);
        case 'label':
          return answers.label(said);
        case 'rerun':
          return new PressButton({ ...shared, start }).press(said, delivery);
        case 'reaction':
          return said.change === 'added'
            ? answers.reaction(said)
            : Promise.resolve({ ignoredBecause: 'what was counted stays counted' });
      }
    },
    jobs(start) {
      const answers = new AnswerComment({ ...shared, start });
      const poll = new PollReactions({ ...parts, proposals, answer: (reaction) => answers.reaction(reaction) });
      return [
        { name: 'poll-reactions', every: '3 seconds', run: () => poll.pass() },
        { name: 'expire-approvals', every: '5 seconds', run: () => asking.expireDue() },
        { name: 'release-held', every: '15 seconds', run: () => stopDeploys.releaseHeld() },
        { name: 'expire-audit', every: '1 hour', run: () => audit.expire() },
        { name: 'expire-fork-requests', every: '1 hour', run: () => requests.expire() },
      ];
    },
    stop: () => asking.stop(),
  };
}
