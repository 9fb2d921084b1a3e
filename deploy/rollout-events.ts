import type { DeployTarget } from '../engine/core/pipeline.ts';

/** The revision that a rollout comes from, or goes back to. */
export interface Stand {
  readonly revision: number;
  readonly digest: string;
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
    }
  | { readonly type: 'RevisionReady' }
  /** It did not get ready, or failed its smoke request: it is left. */
  | { readonly type: 'RolloutTripped'; readonly reason: string }
  | { readonly type: 'RolloutSucceeded'; readonly url?: string }
  /** `to` absent: there was nothing to go back to, and the service was taken away. */
  | { readonly type: 'RolloutRolledBack'; readonly to?: Stand; readonly message: string }
  | { readonly type: 'RolloutHeld' }
  | { readonly type: 'RolloutSuperseded'; readonly by: string }
);
