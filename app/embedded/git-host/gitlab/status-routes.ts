import { z } from 'zod';
import { actorOf } from '../access/principal.ts';
import type { BuildStatus, Deployment } from '../check-entities.ts';
import { latestStatus, setDeploymentStatus } from '../domain/deployments.ts';
import type { Repository } from '../entities.ts';
import { gitOf, type Host, timestamp } from '../host.ts';
import { Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { page, projectOf, readFields } from './api.ts';
import { deploymentShape, type StatusWord, statusShape, statusWords } from './shapes.ts';

const base = '/projects/:project';
const write = { resource: 'statuses', level: 'write' } as const;
const events = {
  pending: 'enqueue',
  running: 'run',
  success: 'success',
  failed: 'drop',
  canceled: 'cancel',
  skipped: 'skip',
} as const;

const StatusBody = z.object({
  state: z.enum(statusWords),
  name: z.string().max(255).default('default'),
  description: z.string().max(255).default(''),
  target_url: z.string().max(255).default(''),
  pipeline_id: z.coerce.number().optional(),
});
const deploymentStates = {
  created: 'queued',
  running: 'in_progress',
  success: 'success',
  failed: 'failure',
  canceled: 'inactive',
} as const;
const deploymentWord = z.enum(['created', 'running', 'success', 'failed', 'canceled']);

/** Commit statuses, which are a state machine within a pipeline, and deployments. */
export function addStatusRoutes(api: Api, host: Host): void {
  api.post(`${base}/statuses/:sha`, async (c) => {
    const project = projectOf(host, c, write);
    const sha = await branchCommit(host, c, project);
    const body = await readFields(c, StatusBody);
    const status = host.store.atomically(() => {
      const pipelineId = pipelineFor(host, project, sha, body.pipeline_id);
      const facts = {
        state: body.state,
        description: body.description,
        url: body.target_url,
        updatedAt: timestamp(host.now()),
      };
      const open = statusesOf(host, project.id, sha).findLast(
        (each) => each.name === body.name && each.pipelineId === pipelineId && isOpen(each.state),
      );
      if (open !== undefined) {
        refuseTransition(open.state, body.state);
        return host.store.buildStatuses.save({ ...open, ...facts });
      }
      return host.store.buildStatuses.insert({
        ...facts,
        repositoryId: project.id,
        sha,
        key: body.name,
        name: body.name,
        pipelineId,
        creatorId: actorOf(c.get('principal')).account.id,
        createdAt: timestamp(host.now()),
      });
    });
    return c.json(statusShape(host, status), 201);
  });

  api.get(`${base}/repository/commits/:sha/statuses`, async (c) => {
    const project = projectOf(host, c, { resource: 'statuses', level: 'read' });
    const sha = await gitOf(host, project.id).resolve(c.req.param('sha'));
    if (sha === undefined) throw new Refusal(404, '404 Commit Not Found');
    const name = c.req.query('name');
    const all = statusesOf(host, project.id, sha).filter((each) => name === undefined || each.name === name);
    // The latest of each name, unless asked for all.
    const shown =
      c.req.query('all') === 'true'
        ? all
        : all.filter((each, at) => !all.slice(at + 1).some((later) => later.name === each.name));
    return c.json(page(c, shown).map((each) => statusShape(host, each)));
  });

  api.post(`${base}/deployments`, async (c) => {
    const project = projectOf(host, c, { resource: 'deployments', level: 'write' });
    const body = await readFields(
      c,
      z.object({ environment: z.string().min(1), sha: z.string(), ref: z.string(), status: deploymentWord }),
    );
    const sha = await gitOf(host, project.id).resolve(body.sha);
    if (sha === undefined) throw new Refusal(400, 'sha The commit does not exist');
    const now = timestamp(host.now());
    const deployment = host.store.deployments.insert({
      repositoryId: project.id,
      sha,
      ref: body.ref,
      task: 'deploy',
      environment: body.environment,
      description: null,
      payload: {},
      transientEnvironment: false,
      productionEnvironment: body.environment === 'production',
      creatorId: actorOf(c.get('principal')).account.id,
      createdAt: now,
      updatedAt: now,
    });
    setState(host, c, deployment, body.status);
    return c.json(deploymentShape(host, deployment), 201);
  });
  api.get(`${base}/deployments/:deployment`, (c) => c.json(deploymentShape(host, deploymentOf(host, c, 'read'))));
  api.put(`${base}/deployments/:deployment`, async (c) => {
    const deployment = deploymentOf(host, c, 'write');
    const { status } = await readFields(c, z.object({ status: deploymentWord }));
    const now = deploymentShape(host, deployment).status;
    if (now === status || (now !== 'created' && now !== 'running'))
      throw new Refusal(400, `Status cannot transition via "${events[status === 'created' ? 'pending' : status]}"`);
    setState(host, c, deployment, status);
    return c.json(deploymentShape(host, deployment));
  });
}

function setState(host: Host, c: ApiContext, deployment: Deployment, word: z.infer<typeof deploymentWord>): void {
  setDeploymentStatus(host, deployment, actorOf(c.get('principal')), {
    state: deploymentStates[word],
    description: '',
    environmentUrl: '',
    logUrl: '',
    others: latestStatus(host, deployment) === undefined ? 'stay' : 'become-inactive',
  });
}

function deploymentOf(host: Host, c: ApiContext, level: 'read' | 'write'): Deployment {
  const project = projectOf(host, c, { resource: 'deployments', level });
  const deployment = host.store.deployments.find(Number(c.req.param('deployment')));
  if (deployment?.repositoryId !== project.id) throw new Refusal(404, '404 Not found');
  return deployment;
}

/** A commit that is on a branch of this very project: one of a fork has no place for a status here. */
async function branchCommit(host: Host, c: ApiContext, project: Repository): Promise<string> {
  const git = gitOf(host, project.id);
  const sha = await git.resolve(c.req.param('sha') ?? '');
  if (sha === undefined) throw new Refusal(404, '404 Commit Not Found');
  if (!(await git.isOnBranch(sha))) throw new Refusal(404, '404 References for commit Not Found');
  return sha;
}

function statusesOf(host: Host, projectId: number, sha: string): BuildStatus[] {
  return host.store.buildStatuses.list(`${projectId}@${sha}`);
}

function isOpen(state: string): boolean {
  return state === 'pending' || state === 'running';
}

function refuseTransition(from: string, to: StatusWord): void {
  if (from !== to && to !== 'pending') return;
  const event = events[to];
  throw new Refusal(
    400,
    `Cannot transition status via :${event} from :${from} (Reason(s): Status cannot transition via "${event}")`,
  );
}

/** The pipeline that statuses of a commit belong to: the newest one. */
export function newestPipeline(host: Host, projectId: number, sha: string): number | undefined {
  return statusesOf(host, projectId, sha).reduce<number | undefined>(
    (newest, { pipelineId }) => (pipelineId === undefined ? newest : Math.max(newest ?? 0, pipelineId)),
    undefined,
  );
}

/** Without its number a status opens a pipeline of its own beside the one that is there. @throws Refusal 404 */
function pipelineFor(host: Host, project: Repository, sha: string, asked: number | undefined): number {
  const known = new Set(statusesOf(host, project.id, sha).map(({ pipelineId }) => pipelineId));
  if (asked === undefined) return host.store.buildStatuses.nextId();
  if (!known.has(asked)) throw new Refusal(404, '404 Pipeline Not Found');
  return asked;
}
