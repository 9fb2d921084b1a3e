import { z } from 'zod';
import { actorOf } from '../access/principal.ts';
import { type Deployment, DeploymentState, StatusState } from '../check-entities.ts';
import { setDeploymentStatus } from '../domain/deployments.ts';
import type { Repository } from '../entities.ts';
import { apiUrl, fullNameOf, gitOf, type Host, timestamp } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { numberParam, paginate, readBody, repositoryOf } from './api.ts';
import { deploymentShape, deploymentStatusShape, statusShape } from './shapes/check.ts';
import { repositoryShape } from './shapes/repository.ts';

const webUrl = z.union([z.url({ protocol: /^https?$/ }), z.literal('')]);
const StatusBody = z.object({
  state: StatusState,
  target_url: webUrl.nullable().optional(),
  description: z.string().max(140).nullable().optional(),
  context: z.string().max(255).default('default'),
});
const DeploymentBody = z.object({
  ref: z.string(),
  task: z.string().max(128).default('deploy'),
  auto_merge: z.boolean().default(true),
  required_contexts: z.array(z.string()).optional(),
  payload: z.union([z.string(), z.record(z.string(), z.unknown())]).default({}),
  environment: z.string().max(255).default('production'),
  description: z.string().max(140).nullable().default(null),
  transient_environment: z.boolean().default(false),
  production_environment: z.boolean().optional(),
});
const DeploymentStatusBody = z.object({
  state: DeploymentState,
  description: z.string().max(140).default(''),
  environment_url: webUrl.default(''),
  log_url: webUrl.default(''),
  target_url: webUrl.optional(),
  auto_inactive: z.boolean().default(true),
});
const base = '/repos/:owner/:repo';

/** Commit statuses and deployments. */
export function addStatusRoutes(api: Api, host: Host): void {
  api.post(`${base}/statuses/:sha`, async (c) => {
    const repository = repositoryOf(host, c, { resource: 'statuses', level: 'write' });
    const sha = await commitOf(host, repository, c.req.param('sha'));
    const body = await readBody(c, StatusBody, 'Status');
    const status = host.store.statuses.insert({
      repositoryId: repository.id,
      sha,
      context: body.context,
      state: body.state,
      description: body.description ?? null,
      targetUrl: body.target_url ?? null,
      creatorId: actorOf(c.get('principal')).account.id,
      createdAt: timestamp(host.now()),
    });
    return c.json(statusShape(host, status), 201);
  });

  const statusesOf = async (c: ApiContext, ref: string) => {
    const repository = repositoryOf(host, c, { resource: 'statuses', level: 'read' });
    const sha = await commitOf(host, repository, ref);
    return { repository, sha, statuses: host.store.statuses.list(`${repository.id}@${sha}`).reverse() };
  };
  api.get(`${base}/commits/:ref{.+}/statuses`, async (c) => {
    const { statuses } = await statusesOf(c, c.req.param('ref'));
    return c.json(paginate(c, statuses).map((each) => statusShape(host, each)));
  });
  api.get(`${base}/commits/:ref{.+}/status`, async (c) => {
    const { repository, sha, statuses } = await statusesOf(c, c.req.param('ref'));
    const latest = statuses.filter((each, i) => statuses.findIndex(({ context }) => context === each.context) === i);
    const state = latest.some((each) => each.state === 'failure' || each.state === 'error')
      ? 'failure'
      : latest.length === 0 || latest.some((each) => each.state === 'pending')
        ? 'pending'
        : 'success';
    const url = apiUrl(host, `/repos/${fullNameOf(host, repository)}/commits/${sha}`);
    return c.json({
      state,
      statuses: latest.map((each) => statusShape(host, each)),
      sha,
      total_count: latest.length,
      repository: repositoryShape(host, repository),
      commit_url: url,
      url: `${url}/status`,
    });
  });

  api.post(`${base}/deployments`, async (c) => {
    const repository = repositoryOf(host, c, { resource: 'deployments', level: 'write' });
    const body = await readBody(c, DeploymentBody, 'Deployment');
    const sha = await commitOf(host, repository, body.ref);
    if (body.required_contexts === undefined || body.required_contexts.length > 0) {
      const passed = new Set(
        host.store.statuses
          .list(`${repository.id}@${sha}`)
          .filter((each) => each.state === 'success')
          .map((each) => each.context),
      );
      const missing = (body.required_contexts ?? []).filter((context) => !passed.has(context));
      if (missing.length > 0) throw new Refusal(409, `Conflict: Commit status checks failed for ${sha}`);
    }
    const now = timestamp(host.now());
    const deployment = host.store.deployments.insert({
      repositoryId: repository.id,
      sha,
      ref: body.ref,
      task: body.task,
      environment: body.environment,
      description: body.description,
      payload: body.payload,
      transientEnvironment: body.transient_environment,
      productionEnvironment: body.production_environment ?? body.environment === 'production',
      creatorId: actorOf(c.get('principal')).account.id,
      createdAt: now,
      updatedAt: now,
    });
    return c.json(deploymentShape(host, deployment), 201);
  });

  api.get(`${base}/deployments`, (c) => {
    const repository = repositoryOf(host, c, { resource: 'deployments', level: 'read' });
    const { sha, ref, environment } = c.req.query();
    const deployments = host.store.deployments
      .list(repository.id)
      .filter(
        (each) =>
          (sha === undefined || each.sha === sha) &&
          (ref === undefined || each.ref === ref) &&
          (environment === undefined || each.environment === environment),
      )
      .reverse();
    return c.json(paginate(c, deployments).map((each) => deploymentShape(host, each)));
  });
  api.get(`${base}/deployments/:id`, (c) => c.json(deploymentShape(host, deploymentOf(host, c, 'read'))));
  api.get(`${base}/deployments/:id/statuses`, (c) => {
    const deployment = deploymentOf(host, c, 'read');
    const statuses = host.store.deploymentStatuses.newest(deployment.id, 1_000);
    return c.json(paginate(c, statuses).map((each) => deploymentStatusShape(host, deployment, each)));
  });
  api.post(`${base}/deployments/:id/statuses`, async (c) => {
    const deployment = deploymentOf(host, c, 'write');
    const body = await readBody(c, DeploymentStatusBody, 'DeploymentStatus');
    const status = setDeploymentStatus(host, deployment, actorOf(c.get('principal')), {
      state: body.state,
      description: body.description,
      environmentUrl: body.environment_url,
      logUrl: body.target_url ?? body.log_url,
      others: body.auto_inactive ? 'become-inactive' : 'stay',
    });
    return c.json(deploymentStatusShape(host, deployment, status), 201);
  });
}

async function commitOf(host: Host, repository: Repository, ref: string): Promise<string> {
  const sha = await gitOf(host, repository.id).resolve(ref);
  if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${ref.slice(0, 80)}`);
  return sha;
}

function deploymentOf(host: Host, c: ApiContext, level: 'read' | 'write'): Deployment {
  const repository = repositoryOf(host, c, { resource: 'deployments', level });
  const deployment = host.store.deployments.find(numberParam(c, 'id'));
  if (deployment?.repositoryId !== repository.id) throw notFound();
  return deployment;
}
