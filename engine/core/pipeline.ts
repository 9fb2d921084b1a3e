import type { Policy } from './policy.ts';

/** Which part of a delivery a stage is; a run's state is derived from the kinds of the stages that run. */
export type StageKind = 'build' | 'test' | 'deploy' | 'verify';

/** CPU in thousandths of a core, memory in bytes; both requested and limited. */
export interface Resources {
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  /** What the stage may write, limited alone; the most there is when left out. */
  readonly diskBytes?: number;
}

/** What one stage may write at most: its node belongs to others too. */
export const largestDiskBytes = 20 * 2 ** 30;

/** A file or folder of the workspace that a stage hands on, kept by its SHA-256 digest. */
export interface ArtifactOutput {
  readonly name: string;
  /** Relative to the workspace. */
  readonly path: string;
}

/** A machine-readable result that a stage writes. */
export interface ReportOutput {
  readonly format: 'junit';
  /** Relative glob in the workspace. */
  readonly path: string;
}

/** When a stage takes part in a run; every field given must match. */
export interface Condition {
  readonly events?: readonly TriggerRule['event'][];
  /** Globs over the branch (a pull request's base branch). */
  readonly branches?: readonly string[];
  /** Globs over changed files; at least one must match. */
  readonly paths?: readonly string[];
  /** Globs over the pull request's labels, also of one that was merged by the push; at least one must match. */
  readonly labels?: readonly string[];
  /** `false`: not while the pull request is a draft. */
  readonly drafts?: boolean;
  /** Which outcome of the needed stages lets it run. Default `success`. */
  readonly after?: 'success' | 'failure' | 'always';
}

/** How a `deploy` stage moves its environment. */
export interface DeployTarget {
  readonly environment: string;
  /** The run's artifact to run, or an image by digest. */
  readonly source:
    | { readonly type: 'artifact'; readonly name: string; readonly image: string; readonly command: readonly string[] }
    | { readonly type: 'image'; readonly image: string };
  /** Name of the Deployment and Service; by default the repository's name. */
  readonly service: string;
  readonly port: number;
  readonly replicas: number;
  readonly env: Readonly<Record<string, string>>;
  /** HTTP path that answers 2xx or 3xx when the service can take traffic. */
  readonly readyPath: string;
  readonly readyWithinMs: number;
  readonly onNotReady: 'rollback' | 'hold';
  /** Request made through the Service once all replicas are ready. */
  readonly smoke: { readonly path: string; readonly expectStatus: number; readonly timeoutMs: number };
  /** It brings a revision that is known already: nothing is built. `wasLive`: it was live in this very environment. */
  readonly known?: { readonly digest: string; readonly revision: number; readonly wasLive: boolean };
}

export interface StageDefinition {
  /** Unique in the plan; shown to people. Letters, digits, space and `. _ - ( ) , = / :`, at most 100 characters. */
  readonly name: string;
  readonly kind: StageKind;
  readonly needs: readonly string[];
  readonly image: string;
  /** Shell lines, run in order by one `sh -e`; empty for a deploy stage. */
  readonly commands: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Further attempts after a failure of the stage's own commands. */
  readonly retries: number;
  readonly resources: Resources;
  /** The class of nodes it runs on; absent: `default`. */
  readonly pool?: string;
  readonly artifactsIn: readonly string[];
  readonly artifactsOut: readonly ArtifactOutput[];
  readonly reports: readonly ReportOutput[];
  readonly deploy?: DeployTarget;
  readonly when: Condition;
}

/** One line of `on:`: an event that starts a run, with its filters. */
export interface TriggerRule {
  readonly event: 'push' | 'pull_request' | 'tag' | 'manual' | 'schedule';
  readonly branches?: readonly string[];
  readonly branchesIgnore?: readonly string[];
  readonly tags?: readonly string[];
  readonly paths?: readonly string[];
  readonly pathsIgnore?: readonly string[];
  /** For `pull_request`, as in `when`. */
  readonly labels?: readonly string[];
  readonly drafts?: boolean;
  /** Five-field cron line in UTC, for `schedule`. */
  readonly cron?: string;
}

/** The definition: stages, edges, conditions, as the repository has it. Matrix stages are already spread out. */
export interface Pipeline {
  readonly on: readonly TriggerRule[];
  readonly stages: readonly StageDefinition[];
  /** Absent: nothing is said about who may do what. */
  readonly policy?: Policy;
}

/** Where the definition came from, recorded with each run. */
export type PipelineSource =
  | { readonly type: 'file'; readonly path: string; readonly sha: string }
  | { readonly type: 'detected'; readonly explanation: readonly string[] }
  /** A person asked for a revision that is known. */
  | { readonly type: 'revision'; readonly environment: string; readonly revision: number };

/** A stage of one run: its definition, or the reason why it does not take part. */
export interface PlannedStage extends StageDefinition {
  readonly skipReason?: string;
}

/** A pipeline resolved for one trigger: the concrete DAG. Stages stand in an order in which each comes after its needs. */
export interface Plan {
  readonly source: PipelineSource;
  readonly stages: readonly PlannedStage[];
  /** What the base branch said at `sha`, its tip when the run was planned; absent where it could not say anything. */
  readonly policy?: Policy & { readonly sha: string };
}
