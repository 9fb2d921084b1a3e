/**
 * What the cluster and a pod's shim tell each other. The spec goes to the shim's standard input, once, and never to
 * disk: it holds secrets. The shim answers by `state.json` in the pod's folder, replaced whole at each change. A file
 * `stop.json` and SIGTERM ask it to end the pod. No type of this file exists at run time: the shim must start fast.
 */
export interface ShimSpec {
  readonly uid: string;
  /** The pod's folder, where `state.json` and `logs/` are. */
  readonly folder: string;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  /** When activeDeadlineSeconds is over, in milliseconds since the epoch. */
  readonly deadlineMs?: number;
  readonly gracePeriodMs: number;
  /** The wait before a second restart; it doubles, up to five minutes. */
  readonly backoffMs: number;
  readonly initContainers: readonly ShimContainer[];
  readonly containers: readonly ShimContainer[];
}

export interface ShimContainer {
  readonly name: string;
  readonly argv: readonly string[];
  readonly workingFolder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where it fails, its end tells the last of its output. */
  readonly tellsOutput: boolean;
}

export interface StopRequest {
  readonly gracePeriodMs: number;
  /** What the pod did to be put out by its node. */
  readonly evictedFor?: string;
}

/** Times are milliseconds since the epoch. */
export type ContainerPhase =
  | { readonly phase: 'waiting'; readonly reason: 'ContainerCreating' | 'PodInitializing' }
  | { readonly phase: 'backoff'; readonly untilMs: number }
  | { readonly phase: 'running'; readonly pid: number; readonly pidStart: string; readonly startedAtMs: number }
  | ({ readonly phase: 'ended' } & ContainerEnd);

export interface ContainerEnd {
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason: 'Completed' | 'Error' | 'StartError';
  readonly message?: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

export interface ShimContainerState {
  readonly name: string;
  readonly restarts: number;
  readonly now: ContainerPhase;
  readonly last?: ContainerEnd;
}

export interface ShimState {
  readonly pid: number;
  readonly pidStart: string;
  readonly startedAtMs: number;
  readonly initContainers: readonly ShimContainerState[];
  readonly containers: readonly ShimContainerState[];
  /** Set once no process of the pod is left. */
  readonly ended?: { readonly atMs: number; readonly cause: 'finished' | 'stopped' | 'deadline' };
}

/** The variable that marks every process of a container; its value is `<uid>/<container>/<restart>`. */
export const containerMark = 'SLIPWAY_EMBEDDED_CONTAINER';
