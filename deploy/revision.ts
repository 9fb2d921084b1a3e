import type { DeployTarget } from '../engine/core/pipeline.ts';

/** One environment of one repository; nothing of it crosses tenants. */
export interface EnvironmentRef {
  readonly tenant: string;
  readonly repositoryId: string;
  /** `owner/name`, for people. */
  readonly repository: string;
  readonly environment: string;
}

/** What an environment ran at a time: enough to bring exactly that back. */
export interface Revision {
  readonly number: number;
  /** The artifact's or image's digest, `sha256:...`. */
  readonly digest: string;
  readonly target: DeployTarget;
  readonly by: string;
  readonly at: Date;
  readonly rolloutId: string;
  /** The commit it was made of, and the run that brought it; absent in revisions of older versions. */
  readonly headSha?: string;
  readonly runId?: string;
  readonly state: 'rolling' | 'live' | 'retired' | 'failed';
  /** A rollback brings an earlier revision back under a new number. */
  readonly rollbackOf?: number;
}

/** Names an environment among all tenants' in the store. */
export function environmentKey({ tenant, repositoryId, environment }: EnvironmentRef): string {
  return `${tenant}/${repositoryId}/${environment}`;
}
