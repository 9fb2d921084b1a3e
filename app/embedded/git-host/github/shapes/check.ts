import type { components as Rest } from '@octokit/openapi-types';
import type {
  Annotation,
  CheckRun,
  CheckSuite,
  CommitStatus,
  Deployment,
  DeploymentStatus,
} from '../../check-entities.ts';
import { apiUrl, fullNameOf, type Host } from '../../host.ts';
import { appShape, nodeId, simpleUser } from './account.ts';
import { minimalPullsAt } from './pull.ts';

function repositoryApi(host: Host, repositoryId: number): string {
  return apiUrl(host, `/repos/${fullNameOf(host, host.store.repositories.get(repositoryId))}`);
}

export function checkRunShape(host: Host, run: CheckRun) {
  const url = `${repositoryApi(host, run.repositoryId)}/check-runs/${run.id}`;
  const repository = host.store.repositories.get(run.repositoryId);
  return {
    id: run.id,
    name: run.name,
    node_id: nodeId('CR', run.id),
    head_sha: run.headSha,
    external_id: run.externalId,
    url,
    html_url: `${host.url}/${fullNameOf(host, repository)}/runs/${run.id}`,
    details_url: run.detailsUrl,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: {
      title: run.title,
      summary: run.summary,
      text: run.text,
      annotations_count: run.annotationsCount,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: run.suiteId },
    app: appShape(host, host.store.apps.get(run.appId)),
    pull_requests: minimalPullsAt(host, run.repositoryId, run.headSha),
  } satisfies Rest['schemas']['check-run'];
}

export function annotationShape(host: Host, run: CheckRun, annotation: Annotation) {
  const fullName = fullNameOf(host, host.store.repositories.get(run.repositoryId));
  return {
    path: annotation.path,
    blob_href: `${host.url}/${fullName}/blob/${run.headSha}/${annotation.path.split('/').map(encodeURIComponent).join('/')}`,
    start_line: annotation.startLine,
    end_line: annotation.endLine,
    start_column: annotation.startColumn,
    end_column: annotation.endColumn,
    annotation_level: annotation.level,
    title: annotation.title,
    message: annotation.message,
    raw_details: annotation.rawDetails,
  } satisfies Rest['schemas']['check-annotation'];
}

/** A suite's state follows from its runs, the worst conclusion winning. */
function suiteState(runs: readonly CheckRun[]): {
  readonly status: 'queued' | 'in_progress' | 'completed';
  readonly conclusion: CheckRun['conclusion'];
} {
  if (runs.length === 0) return { status: 'queued', conclusion: null };
  if (runs.some(({ status }) => status !== 'completed'))
    return { status: runs.every(({ status }) => status === 'queued') ? 'queued' : 'in_progress', conclusion: null };
  const worstFirst = ['action_required', 'failure', 'timed_out', 'cancelled', 'success', 'neutral', 'skipped'] as const;
  const conclusion = worstFirst.find((each) => runs.some((run) => run.conclusion === each)) ?? 'success';
  return { status: 'completed', conclusion };
}

export function checkSuiteShape(host: Host, suite: CheckSuite) {
  const url = `${repositoryApi(host, suite.repositoryId)}/check-suites/${suite.id}`;
  const runs = host.store.checkRuns
    .list(`${suite.repositoryId}@${suite.headSha}`)
    .filter(({ suiteId }) => suiteId === suite.id);
  return {
    id: suite.id,
    node_id: nodeId('CS', suite.id),
    head_branch: suite.headBranch,
    head_sha: suite.headSha,
    head_commit: suite.headCommit,
    ...suiteState(runs),
    url,
    before: suite.before,
    after: suite.headSha,
    pull_requests: minimalPullsAt(host, suite.repositoryId, suite.headSha),
    app: appShape(host, host.store.apps.get(suite.appId)),
    created_at: suite.createdAt,
    updated_at: suite.updatedAt,
    rerequestable: true,
    runs_rerequestable: true,
    latest_check_runs_count: runs.length,
    check_runs_url: `${url}/check-runs`,
  };
}

export function statusShape(host: Host, status: CommitStatus) {
  return {
    url: `${repositoryApi(host, status.repositoryId)}/statuses/${status.sha}`,
    avatar_url: `${host.url}/avatars/${status.creatorId}`,
    id: status.id,
    node_id: nodeId('SC', status.id),
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: status.createdAt,
    updated_at: status.createdAt,
    creator: simpleUser(host, host.store.accounts.get(status.creatorId)),
  };
}

export function deploymentShape(host: Host, deployment: Deployment) {
  const api = repositoryApi(host, deployment.repositoryId);
  const url = `${api}/deployments/${deployment.id}`;
  return {
    url,
    id: deployment.id,
    node_id: nodeId('DE', deployment.id),
    task: deployment.task,
    original_environment: deployment.environment,
    environment: deployment.environment,
    description: deployment.description,
    created_at: deployment.createdAt,
    updated_at: deployment.updatedAt,
    statuses_url: `${url}/statuses`,
    repository_url: api,
    creator: simpleUser(host, host.store.accounts.get(deployment.creatorId)),
    sha: deployment.sha,
    ref: deployment.ref,
    payload: deployment.payload,
    transient_environment: deployment.transientEnvironment,
    production_environment: deployment.productionEnvironment,
    performed_via_github_app: null,
  } satisfies Rest['schemas']['deployment'];
}

export function deploymentStatusShape(host: Host, deployment: Deployment, status: DeploymentStatus) {
  const { url, repository_url } = deploymentShape(host, deployment);
  return {
    url: `${url}/statuses/${status.id}`,
    id: status.id,
    node_id: nodeId('DES', status.id),
    state: status.state,
    creator: simpleUser(host, host.store.accounts.get(status.creatorId)),
    description: status.description,
    environment: deployment.environment,
    target_url: status.logUrl,
    created_at: status.createdAt,
    updated_at: status.createdAt,
    deployment_url: url,
    repository_url,
    environment_url: status.environmentUrl,
    log_url: status.logUrl,
    performed_via_github_app: null,
  } satisfies Rest['schemas']['deployment-status'];
}
