import type { Resources } from '../core/pipeline.ts';
import type { Lane } from '../core/run-events.ts';

/** Names one attempt of one stage. */
export interface AttemptRef {
  readonly runId: string;
  readonly stage: string;
  readonly attempt: number;
}

/** The pod an attempt wants. Holds no secret: those reach the agent over its own connection. */
export interface AttemptPod extends AttemptRef {
  readonly tenant: string;
  /** Deterministic: run, stage and attempt; a DNS label. */
  readonly podName: string;
  readonly image: string;
  readonly lane: Lane;
  /** A pool of the tenant's. */
  readonly pool: string;
  readonly resources: Resources;
  /** The commands' own limit; the pod's deadline is set a little later. */
  readonly timeoutMs: number;
}

/** What the cluster shows of an attempt's pod. The phase alone never means success. */
export interface PodObservation extends AttemptRef {
  readonly tenant: string;
  readonly podName: string;
  readonly state: /** `reason` tells people what for. What has a `fix` may need them; past `patienceMs` of it, it does. */
    | { readonly phase: 'waiting'; readonly reason?: string; readonly fix?: string; readonly patienceMs?: number }
    | { readonly phase: 'running' }
    /** Asked to end by somebody, with time until `by` to do so; it counts as lost from then on, whatever still shows. */
    | { readonly phase: 'leaving'; readonly by: Date; readonly cause: PodEndCause; readonly message: string }
    /** The agent's word, where there is one, counts first. */
    | { readonly phase: 'ended'; readonly exitCode?: number; readonly cause: PodEndCause; readonly message: string }
    | { readonly phase: 'gone' };
}

/** Every way a pod can end, as its status tells; what follows from each is decided by who drives the attempt. */
export type PodEndCause =
  | 'completed'
  | 'command'
  | 'out-of-memory'
  | 'deadline'
  /** The stage wrote more than its own limit. */
  | 'disk-limit'
  | 'image-name'
  | 'image-denied'
  | 'no-shell'
  | 'configuration'
  /** The node ran short, of what its message says. */
  | 'evicted'
  | 'preempted'
  | 'drained'
  | 'tainted'
  | 'node-shutdown'
  | 'node-lost'
  | 'node-refused'
  | 'deleted'
  | 'agent-failed'
  | 'unknown';

/** Runs attempts as pods. Every call may be repeated. */
export interface PodRunner {
  /**
   * A pod of that name that is already there is success.
   * @throws EngineError `invalid`, `denied`; `exhausted` until other pods end; `unavailable`
   */
  start(pod: AttemptPod): Promise<void>;
  /** Deletes the pod; one that is gone already is success. */
  stop(
    pod: { readonly tenant: string; readonly podName: string },
    options: { readonly graceMs: number },
  ): Promise<void>;
  /**
   * Calls back for each pod there is and at each change, until stopped. Resumes by itself, tells changes that were missed,
   * and at times tells every pod again.
   */
  watch(onChange: (observation: PodObservation) => void): { stop(): void };
}
