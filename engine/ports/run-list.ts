import type { Run, RunStatus, StageState } from '../core/run.ts';
import type { Lane } from '../core/run-events.ts';
import type { TriggerType } from '../core/trigger.ts';

/** A run as lists show it. Rebuilt from the log at any time; `version` tells which commit it reflects. */
export interface RunSummary {
  readonly runId: string;
  readonly version: number;
  readonly provider: string;
  readonly tenant: string;
  /** `owner/name`. */
  readonly repository: string;
  readonly repositoryId: string;
  readonly trigger: TriggerType;
  /** Branch or tag; a pull request's head branch. */
  readonly ref: string;
  /** Of the pull request that it is about, or whose merge it is. */
  readonly number?: number;
  readonly headSha: string;
  readonly title: string;
  readonly actor: string;
  readonly lane: Lane;
  readonly team: string;
  readonly status: RunStatus;
  readonly hasEnded: boolean;
  readonly createdAt: Date;
  readonly endedAt?: Date;
  readonly stages: readonly {
    readonly name: string;
    readonly status: StageState['status'];
    readonly durationMs?: number;
  }[];
}

export interface RunFilter {
  readonly repository?: string;
  readonly repositoryId?: string;
  readonly headSha?: string;
  readonly number?: number;
  readonly hasEnded?: boolean;
}

/** The list of runs: a read model. */
export interface RunList {
  /** Keeps the newest version of a run's summary; older ones are passed over. One that ended counts as not yet shown. */
  save(run: Run, version: number): Promise<void>;
  /** Writes a summary anew where it was lost or is wrong; what was shown of it is left alone. */
  restore(run: Run, version: number): Promise<void>;
  /** The host shows all that an ended run has to tell. */
  markShown(runId: string): Promise<void>;
  /** Ids of ended runs whose end may not be shown yet. */
  unshown(limit: number): Promise<readonly string[]>;
  /** Newest first. */
  find(filter: RunFilter, options: { readonly limit: number }): Promise<readonly RunSummary[]>;
  /** Ids that begin with the text, at most two: enough to see whether it is unique. */
  idsByPrefix(prefix: string): Promise<readonly string[]>;
}
