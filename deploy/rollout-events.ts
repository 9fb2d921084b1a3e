import type { DeployTarget } from '../engine/core/pipeline.ts';
import type { EnvironmentRef, Revision } from './revision.ts';

/** The revision that a rollout comes from, or goes back to. */
export interface Stand {
  readonly revision: number;
  readonly digest: string;
}

/** Where a rollout goes and who asked for it: with the rest of the log, all that the history of environments is made of. */
export interface RolloutOrigin extends Pick<Revision, 'by' | 'at' | 'headSha' | 'runId' | 'rollbackOf'> {
  readonly environment: EnvironmentRef;
  /** When what it ships came about: an older run never gets the word back from a newer one. */
  readonly orderAt: Date;
}

export type RolloutEvent = { readonly at: Date } & (
  | {
      readonly type: 'RolloutStarted';
      readonly rolloutId: string;
      readonly revision: number;
      readonly digest: string;
      readonly target: DeployTarget;
      /** Absent for the first one in its environment. */
      readonly previous?: Stand;
      /** Absent in events of older versions. */
      readonly origin?: RolloutOrigin;
    }
  | { readonly type: 'RevisionReady' }
  /** It did not get ready, or failed its smoke request: it is left. `excerpt`: the last lines of a replica that ended. */
  | { readonly type: 'RolloutTripped'; readonly reason: string; readonly excerpt?: readonly string[] }
  | { readonly type: 'RolloutSucceeded'; readonly url?: string }
  /** `to` absent: there was nothing to go back to, and the service was taken away. */
  | { readonly type: 'RolloutRolledBack'; readonly to?: Stand; readonly message: string }
  | { readonly type: 'RolloutHeld' }
  | { readonly type: 'RolloutSuperseded'; readonly by: string }
);
