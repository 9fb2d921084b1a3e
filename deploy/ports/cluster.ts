import type { EnvironmentRef, Revision } from '../revision.ts';

/** What the cluster shows of a service in an environment. */
export interface ServiceObservation {
  /** The revision that the Deployment asks for; absent when there is none. */
  readonly revision?: number;
  /** All replicas of that revision take traffic, and none of another one is left. */
  readonly isReady: boolean;
  /** What is missing, for people. */
  readonly message: string;
  /** Where it answers. */
  readonly url?: string;
}

/** What keeps a replica from taking traffic. */
export interface ReplicaTrouble {
  /** For people. */
  readonly message: string;
  /** The last lines that it wrote, where it ended. Whatever the service says: hostile. */
  readonly excerpt: readonly string[];
}

/** Runs revisions of services. Every call may be repeated. @throws DeployError */
export interface Cluster {
  /** Asks for a revision by rolling update (maxSurge 25 %, maxUnavailable 0), unpaused, whatever was asked for before. */
  apply(environment: EnvironmentRef, revision: Revision): Promise<void>;
  observe(environment: EnvironmentRef, service: string): Promise<ServiceObservation>;
  /** Why replicas of a revision do not take traffic, where the cluster can tell. */
  trouble(environment: EnvironmentRef, revision: Revision): Promise<ReplicaTrouble | undefined>;
  /** Stops a rolling update where it is. */
  pause(environment: EnvironmentRef, service: string): Promise<void>;
  /** Takes a service away that never served. */
  remove(environment: EnvironmentRef, service: string): Promise<void>;
}
