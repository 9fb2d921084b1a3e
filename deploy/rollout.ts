import type { DeployTarget } from '../engine/core/pipeline.ts';
import type { RolloutEvent, Stand } from './rollout-events.ts';

export type RolloutStatus =
  | { readonly status: 'progressing' }
  | { readonly status: 'smoking'; readonly since: Date }
  | { readonly status: 'rolling-back'; readonly since: Date; readonly reason: string }
  | { readonly status: 'succeeded'; readonly url?: string }
  | { readonly status: 'rolled-back'; readonly reason: string; readonly to?: Stand; readonly message: string }
  | { readonly status: 'held'; readonly reason: string }
  | { readonly status: 'superseded'; readonly by: string };

/** One environment on its way to one revision. */
export interface Rollout {
  readonly rolloutId: string;
  readonly revision: number;
  readonly digest: string;
  readonly target: DeployTarget;
  readonly previous?: Stand;
  readonly startedAt: Date;
  readonly state: RolloutStatus;
  /** The last lines of a replica that ended instead of getting ready. */
  readonly excerpt?: readonly string[];
}

/** Folds one event into the rollout. @throws RangeError for an event before `RolloutStarted` */
export function evolve(rollout: Rollout | undefined, event: RolloutEvent): Rollout {
  if (event.type === 'RolloutStarted') {
    const { type: _, at, origin: __, ...facts } = event;
    return { ...facts, startedAt: at, state: { status: 'progressing' } };
  }
  if (rollout === undefined) throw new RangeError(`${event.type} stands before RolloutStarted`);
  switch (event.type) {
    case 'RevisionReady':
      return { ...rollout, state: { status: 'smoking', since: event.at } };
    case 'RolloutTripped':
      return {
        ...rollout,
        state: { status: 'rolling-back', since: event.at, reason: event.reason },
        ...(event.excerpt === undefined ? {} : { excerpt: event.excerpt }),
      };
    case 'RolloutSucceeded':
      return { ...rollout, state: { status: 'succeeded', ...(event.url === undefined ? {} : { url: event.url }) } };
    case 'RolloutRolledBack':
      return {
        ...rollout,
        state: {
          status: 'rolled-back',
          reason: reasonOf(rollout),
          message: event.message,
          ...(event.to === undefined ? {} : { to: event.to }),
        },
      };
    case 'RolloutHeld':
      return { ...rollout, state: { status: 'held', reason: reasonOf(rollout) } };
    case 'RolloutSuperseded':
      return { ...rollout, state: { status: 'superseded', by: event.by } };
  }
}

/** Nothing more comes of it. */
export function isOver({ state }: Rollout): boolean {
  return (
    state.status === 'succeeded' ||
    state.status === 'rolled-back' ||
    state.status === 'held' ||
    state.status === 'superseded'
  );
}

function reasonOf({ state }: Rollout): string {
  return state.status === 'rolling-back' ? state.reason : '';
}

/** How a rollout stands, in words for people. */
export function endMessage({ state }: Rollout): string {
  switch (state.status) {
    case 'rolled-back':
      return `${state.reason}. ${state.message}`;
    case 'held':
      return `${state.reason}. The rollout is held where it stands`;
    case 'superseded':
      return `A newer rollout took the environment over (${state.by})`;
    case 'succeeded':
    case 'progressing':
    case 'smoking':
    case 'rolling-back':
      return state.status;
  }
}
