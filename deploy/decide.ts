import type { ServiceObservation } from './ports/cluster.ts';
import type { Rollout } from './rollout.ts';
import type { RolloutEvent } from './rollout-events.ts';

/** What was seen since the last step. */
export interface RolloutFacts {
  readonly now: Date;
  readonly observation: ServiceObservation;
  /** The newest request through the service, where one was made. */
  readonly smoke?: { readonly passed: boolean; readonly message: string };
  /** A newer run wants this environment. */
  readonly supersededBy?: string;
  /** The run was cancelled by this. */
  readonly cancelledBecause?: string;
}

/** Going back is given as long as going forward, and never less than this. */
const shortestReturnMs = 60_000;

/** The next step of a rollout; undefined: wait and look again. Every state ends within bounded time. */
export function decide(rollout: Rollout, facts: RolloutFacts): RolloutEvent | undefined {
  const { state, target } = rollout;
  const at = facts.now;
  const { observation } = facts;
  switch (state.status) {
    case 'progressing':
    case 'smoking': {
      if (facts.supersededBy !== undefined) return { type: 'RolloutSuperseded', at, by: facts.supersededBy };
      if (facts.cancelledBecause !== undefined)
        return { type: 'RolloutTripped', at, reason: `Cancelled: ${facts.cancelledBecause}` };
      if (state.status === 'progressing') {
        if (observation.isReady && observation.revision === rollout.revision) return { type: 'RevisionReady', at };
        if (elapsed(rollout.startedAt, at) < target.readyWithinMs) return undefined;
        return {
          type: 'RolloutTripped',
          at,
          reason: `Not ready within ${target.readyWithinMs / 1_000} s: ${observation.message}`,
        };
      }
      if (facts.smoke?.passed === true) {
        return { type: 'RolloutSucceeded', at, ...(observation.url === undefined ? {} : { url: observation.url }) };
      }
      if (elapsed(state.since, at) < target.smoke.timeoutMs) return undefined;
      return { type: 'RolloutTripped', at, reason: `The smoke request failed: ${facts.smoke?.message ?? 'no answer'}` };
    }
    case 'rolling-back': {
      if (target.onNotReady === 'hold' && facts.cancelledBecause === undefined) return { type: 'RolloutHeld', at };
      const { previous } = rollout;
      const isReturnOver = elapsed(state.since, at) >= Math.max(shortestReturnMs, target.readyWithinMs);
      if (facts.supersededBy !== undefined) return { type: 'RolloutSuperseded', at, by: facts.supersededBy };
      if (previous === undefined) {
        if (observation.revision === undefined)
          return { type: 'RolloutRolledBack', at, message: 'There was no revision before it, so nothing serves' };
        if (!isReturnOver) return undefined;
        return {
          type: 'RolloutRolledBack',
          at,
          message: `There was no revision before it, and it could not be taken away: ${observation.message}`,
        };
      }
      if (observation.isReady && observation.revision === previous.revision) {
        return { type: 'RolloutRolledBack', at, to: previous, message: `Revision ${previous.revision} serves again` };
      }
      if (!isReturnOver) return undefined;
      return {
        type: 'RolloutRolledBack',
        at,
        to: previous,
        message: `Revision ${previous.revision} is asked for again, but not all of it is ready: ${observation.message}`,
      };
    }
    case 'succeeded':
    case 'rolled-back':
    case 'held':
    case 'superseded':
      return undefined;
  }
}

function elapsed(since: Date, now: Date): number {
  return now.getTime() - since.getTime();
}
