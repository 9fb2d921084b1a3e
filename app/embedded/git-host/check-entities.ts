import { z } from 'zod';

/** What is kept about the state of commits: check suites and runs, statuses, deployments. */

const id = z.number().int().positive();
const time = z.string();

export const CheckStatus = z.enum(['queued', 'in_progress', 'completed', 'waiting', 'requested', 'pending']);
export type CheckStatus = z.infer<typeof CheckStatus>;

export const CheckConclusion = z.enum([
  'success',
  'failure',
  'neutral',
  'cancelled',
  'skipped',
  'timed_out',
  'action_required',
]);
export type CheckConclusion = z.infer<typeof CheckConclusion>;

const Signature = z.object({ name: z.string(), email: z.string().nullable() });

/** A commit in short, as suites carry it. */
export const SuiteCommit = z.object({
  id: z.string(),
  tree_id: z.string(),
  message: z.string(),
  timestamp: z.string(),
  author: Signature,
  committer: Signature,
});
export type SuiteCommit = z.infer<typeof SuiteCommit>;

export const CheckSuite = z.object({
  id,
  repositoryId: id,
  appId: id,
  headSha: z.string(),
  headBranch: z.string().nullable(),
  headCommit: SuiteCommit,
  before: z.string().nullable(),
  createdAt: time,
  updatedAt: time,
});
export type CheckSuite = z.infer<typeof CheckSuite>;

export const CheckAction = z.object({ label: z.string(), description: z.string(), identifier: z.string() });

export const CheckRun = z.object({
  id,
  repositoryId: id,
  suiteId: id,
  appId: id,
  name: z.string(),
  headSha: z.string(),
  externalId: z.string(),
  detailsUrl: z.string(),
  status: CheckStatus,
  conclusion: CheckConclusion.nullable(),
  startedAt: time,
  completedAt: time.nullable(),
  title: z.string().nullable(),
  summary: z.string().nullable(),
  text: z.string().nullable(),
  actions: z.array(CheckAction),
  annotationsCount: z.number().int(),
});
export type CheckRun = z.infer<typeof CheckRun>;

export const Annotation = z.object({
  id,
  checkRunId: id,
  path: z.string(),
  startLine: z.number().int(),
  endLine: z.number().int(),
  startColumn: z.number().int().nullable(),
  endColumn: z.number().int().nullable(),
  level: z.enum(['notice', 'warning', 'failure']),
  title: z.string().nullable(),
  message: z.string(),
  rawDetails: z.string().nullable(),
});
export type Annotation = z.infer<typeof Annotation>;

export const StatusState = z.enum(['error', 'failure', 'pending', 'success']);
export type StatusState = z.infer<typeof StatusState>;

export const CommitStatus = z.object({
  id,
  repositoryId: id,
  sha: z.string(),
  context: z.string(),
  state: StatusState,
  description: z.string().nullable(),
  targetUrl: z.string().nullable(),
  creatorId: id,
  createdAt: time,
});
export type CommitStatus = z.infer<typeof CommitStatus>;

/** A commit's status in the words of GitLab or Bitbucket. */
export const BuildStatus = z.object({
  id,
  repositoryId: id,
  sha: z.string(),
  /** What makes it the same one: Bitbucket's key; GitLab's name. */
  key: z.string(),
  /** GitLab's: what statuses of one commit are gathered in. */
  pipelineId: id.optional(),
  name: z.string(),
  /** Bitbucket's: the branch that it was reported for. */
  refname: z.string().optional(),
  state: z.string(),
  description: z.string(),
  url: z.string(),
  creatorId: id,
  createdAt: time,
  updatedAt: time,
});
export type BuildStatus = z.infer<typeof BuildStatus>;

/** A report of Code Insights. */
export const Report = z.object({
  id,
  repositoryId: id,
  sha: z.string(),
  reportId: z.string(),
  title: z.string(),
  details: z.string(),
  reporter: z.string(),
  result: z.enum(['PASSED', 'FAILED', 'PENDING']),
  link: z.string(),
  createdAt: time,
});
export type Report = z.infer<typeof Report>;

/** A place that a report of Code Insights points at. */
export const ReportAnnotation = z.object({
  id,
  /** The report's. */
  onId: id,
  externalId: z.string(),
  path: z.string(),
  line: z.number().int(),
  severity: z.enum(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']),
  summary: z.string(),
  details: z.string(),
});
export type ReportAnnotation = z.infer<typeof ReportAnnotation>;

export const Deployment = z.object({
  id,
  repositoryId: id,
  sha: z.string(),
  ref: z.string(),
  task: z.string(),
  environment: z.string(),
  description: z.string().nullable(),
  payload: z.union([z.string(), z.record(z.string(), z.unknown())]),
  transientEnvironment: z.boolean(),
  productionEnvironment: z.boolean(),
  creatorId: id,
  createdAt: time,
  updatedAt: time,
});
export type Deployment = z.infer<typeof Deployment>;

export const DeploymentState = z.enum(['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success']);
export type DeploymentState = z.infer<typeof DeploymentState>;

export const DeploymentStatus = z.object({
  id,
  deploymentId: id,
  state: DeploymentState,
  description: z.string(),
  environmentUrl: z.string(),
  logUrl: z.string(),
  creatorId: id,
  createdAt: time,
});
export type DeploymentStatus = z.infer<typeof DeploymentStatus>;
