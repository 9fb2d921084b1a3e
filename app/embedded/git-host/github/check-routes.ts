import { z } from 'zod';
import { actorOf, type Principal } from '../access/principal.ts';
import type { CheckRun } from '../check-entities.ts';
import { CheckRunEdit, createCheckRun, editCheckRun, emitCheckRun, NewCheckRun } from '../domain/check-runs.ts';
import { emitSuite } from '../domain/check-suites.ts';
import { moveQueues } from '../domain/merge-queue.ts';
import { latestCheckRuns } from '../domain/required-checks.ts';
import type { Repository } from '../entities.ts';
import { gitOf, type Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { numberParam, paginate, readBody, repositoryOf } from './api.ts';
import { annotationShape, checkRunShape, checkSuiteShape } from './shapes/check.ts';

const read = { resource: 'checks', level: 'read' } as const;
const write = { resource: 'checks', level: 'write' } as const;

/** The Checks API: only Apps write, and only their own runs. */
export function addCheckRoutes(api: Api, host: Host): void {
  api.post('/repos/:owner/:repo/check-runs', async (c) => {
    const repository = repositoryOf(host, c, write);
    const principal = requireInstallation(c);
    const input = await readBody(c, NewCheckRun, 'CheckRun');
    const commit = await gitOf(host, repository.id).commit(input.head_sha);
    if (commit?.sha !== input.head_sha)
      throw new Refusal(422, `No commit found for SHA: ${input.head_sha.slice(0, 80)}`);
    const branch = Object.entries(repository.announcedRefs).find(([, sha]) => sha === input.head_sha)?.[0];
    const run = createCheckRun(host, repository, principal.app, actorOf(principal), input, {
      commit: {
        id: commit.sha,
        tree_id: commit.tree,
        message: commit.message,
        timestamp: commit.committer.date,
        author: commit.author,
        committer: commit.committer,
      },
      branch: branchName(branch),
    });
    await moveQueues(host, repository.id);
    return c.json(checkRunShape(host, run), 201);
  });

  api.patch('/repos/:owner/:repo/check-runs/:id', async (c) => {
    const repository = repositoryOf(host, c, write);
    const principal = requireInstallation(c);
    const known = runOf(host, c, repository);
    if (known.appId !== principal.app.id)
      throw new Refusal(
        403,
        'Invalid app_id `' +
          `${principal.app.id}` +
          '` - check run can only be modified by the GitHub App that created it.',
      );
    const input = await readBody(c, CheckRunEdit, 'CheckRun');
    const edited = editCheckRun(host, repository, known, actorOf(principal), input);
    await moveQueues(host, repository.id);
    return c.json(checkRunShape(host, edited));
  });

  api.get('/repos/:owner/:repo/check-runs/:id', (c) =>
    c.json(checkRunShape(host, runOf(host, c, repositoryOf(host, c, read)))),
  );

  api.get('/repos/:owner/:repo/check-runs/:id/annotations', (c) => {
    const run = runOf(host, c, repositoryOf(host, c, read));
    const annotations = paginate(c, host.store.annotations.list(run.id));
    return c.json(annotations.map((each) => annotationShape(host, run, each)));
  });

  api.post('/repos/:owner/:repo/check-runs/:id/rerequest', (c) => {
    const repository = repositoryOf(host, c, write);
    emitCheckRun(host, repository, runOf(host, c, repository), 'rerequested', actorOf(c.get('principal')));
    return c.json({}, 201);
  });

  api.get('/repos/:owner/:repo/commits/:ref{.+}/check-runs', async (c) => {
    const repository = repositoryOf(host, c, read);
    const sha = await gitOf(host, repository.id).resolve(c.req.param('ref'));
    if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${c.req.param('ref').slice(0, 80)}`);
    const runs = filterRuns(
      c,
      c.req.query('filter') === 'all'
        ? host.store.checkRuns.list(`${repository.id}@${sha}`)
        : latestCheckRuns(host, repository.id, sha),
    ).reverse();
    return c.json({ total_count: runs.length, check_runs: paginate(c, runs).map((run) => checkRunShape(host, run)) });
  });

  api.get('/repos/:owner/:repo/commits/:ref{.+}/check-suites', async (c) => {
    const repository = repositoryOf(host, c, read);
    const sha = await gitOf(host, repository.id).resolve(c.req.param('ref'));
    if (sha === undefined) throw new Refusal(422, `No commit found for SHA: ${c.req.param('ref').slice(0, 80)}`);
    const suites = host.store.checkSuites.list(`${repository.id}@${sha}`);
    return c.json({
      total_count: suites.length,
      check_suites: paginate(c, suites).map((suite) => checkSuiteShape(host, suite)),
    });
  });

  api.get('/repos/:owner/:repo/check-suites/:id/check-runs', (c) => {
    const repository = repositoryOf(host, c, read);
    const suite = host.store.checkSuites.find(numberParam(c, 'id'));
    if (suite?.repositoryId !== repository.id) throw notFound();
    const runs = filterRuns(c, host.store.checkRuns.list(`${repository.id}@${suite.headSha}`)).filter(
      ({ suiteId }) => suiteId === suite.id,
    );
    return c.json({ total_count: runs.length, check_runs: paginate(c, runs).map((run) => checkRunShape(host, run)) });
  });

  api.post('/repos/:owner/:repo/check-suites/:id/rerequest', (c) => {
    const repository = repositoryOf(host, c, write);
    const suite = host.store.checkSuites.find(numberParam(c, 'id'));
    if (suite?.repositoryId !== repository.id) throw notFound();
    emitSuite(host, repository, suite, 'rerequested', actorOf(c.get('principal')));
    return c.json({}, 201);
  });
}

const Filters = z.object({
  check_name: z.string().optional(),
  status: z.string().optional(),
  app_id: z.coerce.number().optional(),
});

function filterRuns(c: ApiContext, runs: readonly CheckRun[]): CheckRun[] {
  const { check_name, status, app_id } = Filters.parse(c.req.query());
  return runs.filter(
    (run) =>
      (check_name === undefined || run.name === check_name) &&
      (status === undefined || run.status === status) &&
      (app_id === undefined || run.appId === app_id),
  );
}

function branchName(ref: string | undefined): string | null {
  return ref?.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null;
}

function requireInstallation(c: ApiContext): Extract<Principal, { type: 'installation' }> {
  const principal = c.get('principal');
  if (principal.type !== 'installation') throw new Refusal(403, 'You must authenticate via a GitHub App.');
  return principal;
}

function runOf(host: Host, c: ApiContext, repository: Repository): CheckRun {
  const run = host.store.checkRuns.find(numberParam(c, 'id'));
  if (run?.repositoryId !== repository.id) throw notFound();
  return run;
}
