import { type Approval, isGranted } from './approval.ts';
import { driftOf, isAuthor } from './approval-subject.ts';
import type { ApprovalCommand } from './run-commands.ts';
import type { RunEvent } from './run-events.ts';

export type ApprovalDecision =
  | { readonly ok: true; readonly events: readonly RunEvent[] }
  | { readonly ok: false; readonly reason: string };

/**
 * What a command makes of a stage's request for consent.
 * @param stage how the stage stands: `wants` consent that nobody was asked for, or has it and is `uncommitted`, so that it
 * can still be taken away
 */
export function decideApproval(
  command: ApprovalCommand,
  approval: Approval | undefined,
  stage: { readonly wants: boolean; readonly isUncommitted: boolean; readonly timeoutMs?: number },
  at: Date,
): ApprovalDecision {
  const { stage: name } = command;
  if (command.type === 'RequestApproval') {
    if (!stage.wants) return refuse(`Stage "${name}" does not wait to be asked for`);
    const requested: RunEvent = {
      type: 'ApprovalRequested',
      at,
      stage: name,
      approval: (approval?.approval ?? 0) + 1,
      subject: command.subject,
      ...(stage.timeoutMs === undefined ? {} : { expiresAt: new Date(at.getTime() + stage.timeoutMs) }),
    };
    return accept([requested]);
  }
  if (approval === undefined || approval.approval !== command.approval)
    return refuse(`Request ${command.approval} of stage "${name}" is not the one that waits`);
  const facts = { at, stage: name, approval: command.approval };
  const voided = (drift: ReturnType<typeof driftOf>): readonly RunEvent[] =>
    drift === undefined ? [] : [{ type: 'ApprovalVoided', ...facts, ...drift }];

  const isOpen = approval.status === 'open' && stage.isUncommitted;
  const canBeVoided = isOpen || (isGranted(approval) && stage.isUncommitted);
  switch (command.type) {
    case 'CheckApproval':
      return accept(canBeVoided ? voided(driftOf(approval.subject, command.now)) : []);
    case 'VoidPrompt':
      return canBeVoided
        ? accept(voided({ field: 'prompt', was: approval.prompt?.hash ?? 'none', is: command.is }))
        : refuse(`Nothing waits for the answer to request ${command.approval} of stage "${name}"`);
    default:
      if (!isOpen) return refuse(`Request ${command.approval} of stage "${name}" is ${approval.status}`);
  }
  switch (command.type) {
    case 'ShowApproval':
      return accept(approval.prompt === undefined ? [{ type: 'ApprovalShown', ...facts, prompt: command.prompt }] : []);
    case 'GiveApproval': {
      const { by, via, counts, owns, now } = command;
      if (approval.prompt === undefined && via !== 'command line') return refuse('Its prompt does not stand yet');
      const drift = driftOf(approval.subject, now);
      if (drift !== undefined) return accept(voided(drift));
      if (approval.expiresAt !== undefined && approval.expiresAt <= at) return refuse('Its time is over');
      if (!approval.policy.mayAuthorApprove && isAuthor(approval.subject, by))
        return refuse('Authors do not approve their own change');
      if (approval.given.some((consent) => consent.by.id === by.id)) return accept([]);
      return accept([{ type: 'ApprovalGiven', ...facts, by, via, counts, owns }]);
    }
    case 'RejectApproval': {
      const { by, reason } = command;
      const why = reason === '' ? `rejected by ${by.login}` : `rejected by ${by.login}: ${reason}`;
      return accept([
        { type: 'ApprovalRejected', ...facts, by, reason },
        { type: 'StageCancelled', at, stage: name, reason: why },
      ]);
    }
    case 'ExpireApproval': {
      if (approval.expiresAt === undefined || approval.expiresAt > at) return refuse('Its time is not over');
      const advances = approval.policy.onTimeout === 'advance';
      const expired: RunEvent = { type: 'ApprovalExpired', ...facts, advances };
      if (advances) return accept([expired]);
      return accept([expired, { type: 'StageCancelled', at, stage: name, reason: 'nobody approved it in time' }]);
    }
  }
}

function accept(events: readonly RunEvent[]): ApprovalDecision {
  return { ok: true, events };
}

function refuse(reason: string): ApprovalDecision {
  return { ok: false, reason };
}
