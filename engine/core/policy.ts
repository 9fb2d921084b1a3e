/** Whom a policy names. All of them need the right to write as well, looked up at the host when they speak. */
export type Group =
  | { readonly type: 'person'; readonly login: string }
  /** `organisation/team`, GitLab `group/subgroup`. */
  | { readonly type: 'team'; readonly name: string };

/** Whose consent a deploy needs. */
export interface ApprovalPolicy {
  /** Who may answer; empty: whoever may write. */
  readonly by: readonly Group[];
  /** How many people have to approve. */
  readonly required: number;
  /** Each changed path that CODEOWNERS gives owners needs one of them too. */
  readonly owners: boolean;
  readonly mayAuthorApprove: boolean;
  /** Absent: it waits for an answer however long. */
  readonly timeoutMs?: number;
  /** What the time-out brings: the deploy is stopped, or goes on unasked. */
  readonly onTimeout: 'expire' | 'advance';
}

export interface EnvironmentPolicy {
  readonly environment: string;
  /** Absent: deploys ask nobody. */
  readonly approval?: ApprovalPolicy;
  /** Who may deploy, roll back, lock and unlock by command; empty: whoever may write. */
  readonly deployers: readonly Group[];
}

/** What people may do, as the base branch has it. */
export interface Policy {
  readonly environments: readonly EnvironmentPolicy[];
  /** Who may put a change on the hotfix lane; empty: whoever may write. */
  readonly hotfix: readonly Group[];
}

export const emptyPolicy: Policy = { environments: [], hotfix: [] };

/** What the policy says of an environment; undefined where it says nothing. */
export function environmentPolicy(policy: Policy | undefined, environment: string): EnvironmentPolicy | undefined {
  return policy?.environments.find((each) => each.environment === environment);
}
