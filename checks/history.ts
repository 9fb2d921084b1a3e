import type { RunEvent } from '../engine/core/run-events.ts';
import { causeOf } from './check-run.ts';
import { duration } from './markdown.ts';

/** What an event of a run means, in words for people: who, what, why. Plain text. */
export function describeEvent(event: RunEvent): string {
  switch (event.type) {
    case 'RunCreated':
      return `Planned with ${event.plan.stages.length} stages, asked for by ${event.trigger.actor.login}; lane ${event.lane}, team ${event.team}`;
    case 'RunClaimed':
      return `Taken over by replica ${event.replica}`;
    case 'StageSkipped':
      return `${event.stage} is skipped: ${event.reason}`;
    case 'StageScheduled':
      return `${event.stage} got a slot${again(event.attempt)}: ${event.reason}`;
    case 'StageStarted':
      return `${event.stage} began${again(event.attempt)}`;
    case 'StageSucceeded':
      return `${event.stage} passed in ${duration(event.durationMs)}${event.deployed === undefined ? '' : `: revision ${event.deployed.revision} is live in ${event.deployed.environment}`}`;
    case 'StageFailed':
      return `${event.stage} failed after ${duration(event.durationMs)}: ${causeOf(event.cause)}`;
    case 'StageRetryPlanned':
      return `${event.stage} is tried again: ${event.reason}`;
    case 'StageCancelled':
      return `${event.stage} was stopped: ${event.reason}`;
    case 'RunCancelRequested':
      return `${event.by === 'slipway' ? 'Slipway' : event.by.login} stopped it: ${event.reason}`;
    case 'RunRetried':
      return `${event.by.login} asked for ${event.stages.join(', ')} once more`;
    case 'ApprovalRequested':
      return `${event.stage} asks for approval of ${event.subject.environment}`;
    case 'ApprovalShown':
      return `${event.stage}: the question stands in the pull request`;
    case 'ApprovalGiven':
      return `${event.by.login} approved ${event.stage} by ${event.via}${event.counts ? '' : ', which does not count'}`;
    case 'ApprovalRejected':
      return `${event.by.login} rejected ${event.stage}${event.reason === '' ? '' : `: ${event.reason}`}`;
    case 'ApprovalVoided':
      return `Consent to ${event.stage} is void: the ${event.field} moved`;
    case 'ApprovalExpired':
      return `Nobody answered for ${event.stage} in time${event.advances ? ': the policy lets it go on' : ''}`;
    case 'StageHeld':
      return `${event.stage} is held: ${event.reason}`;
    case 'StageReleased':
      return `${event.stage} is held no longer`;
    case 'LaneChanged':
      return `${event.by.login} put it into the ${event.lane} lane: ${event.reason}`;
    case 'RunFinished':
      return `Ended: ${event.outcome}`;
  }
}

function again(attempt: number): string {
  return attempt > 1 ? `, attempt ${attempt}` : '';
}
