import { z } from 'zod';
import { actorOf } from '../access/principal.ts';
import type { BuildStatus, Report } from '../check-entities.ts';
import type { Repository } from '../entities.ts';
import { gitOf, type Host, timestamp } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { page, readBody, repositoryOf } from './api.ts';
import { timeOf, uuidOf } from './identity.ts';
import type { Published } from './published.ts';
import { repositoryUrl } from './shapes.ts';

const read = { resource: 'statuses', level: 'read' } as const;
const write = { resource: 'statuses', level: 'write' } as const;
const base = '/repositories/:workspace/:slug/commit/:sha';
const maxAnnotations = 1_000;

const StatusBody = z.object({
  key: z.string().min(1).max(40, 'Ensure this value has at most 40 characters'),
  state: z.enum(['INPROGRESS', 'SUCCESSFUL', 'FAILED', 'STOPPED']),
  url: z.url({ protocol: /^https?$/ }),
  name: z.string().max(255).default(''),
  description: z.string().max(255).default(''),
  refname: z.string().max(255).optional(),
});
const ReportBody = z.object({
  title: z.string().min(1).max(450),
  details: z.string().max(2_000),
  report_type: z.enum(['SECURITY', 'COVERAGE', 'TEST', 'BUG']),
  reporter: z.string().max(450).default(''),
  result: z.enum(['PASSED', 'FAILED', 'PENDING']).default('PENDING'),
  link: z.url().optional(),
  data: z.array(z.unknown()).max(10).default([]),
});
const Annotations = z
  .array(
    z.object({
      external_id: z.string().min(1),
      annotation_type: z.enum(['VULNERABILITY', 'CODE_SMELL', 'BUG']),
      summary: z.string().min(1).max(450),
      details: z.string().max(2_000).default(''),
      path: z.string(),
      line: z.number().int().min(0).default(0),
      severity: z.enum(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']).default('LOW'),
    }),
  )
  .min(1)
  .max(100);

/** Build statuses, and the reports of Code Insights. */
export function addCheckRoutes(api: Api, host: Host): void {
  api.post(`${base}/statuses/build`, async (c) => {
    const { repository, sha } = await commitOf(host, c, write);
    const body = await readBody(c, StatusBody);
    const now = timestamp(host.now());
    const known = host.store.buildStatuses.list(`${repository.id}@${sha}`).find(({ key }) => key === body.key);
    const facts = { ...body, updatedAt: now, creatorId: actorOf(c.get('principal')).account.id };
    // The same key takes the place of the one before.
    const status =
      known === undefined
        ? host.store.buildStatuses.insert({ ...facts, repositoryId: repository.id, sha, createdAt: now })
        : host.store.buildStatuses.save({ ...known, ...facts });
    return c.json(statusShape(host, status), known === undefined ? 201 : 200);
  });
  api.get(`${base}/statuses`, async (c) => {
    const { repository, sha } = await commitOf(host, c, read);
    return c.json(
      page(c, buildStatuses(host, repository.id, sha), 100) satisfies Published<'paginated_commitstatuses'>,
    );
  });

  api.put(`${base}/reports/:report`, async (c) => {
    const { repository, sha } = await commitOf(host, c, write);
    const { report_type: _, data: __, link = '', ...facts } = await readBody(c, ReportBody);
    const reportId = c.req.param('report');
    const known = host.store.reports.findByKey(`${repository.id}@${sha}:${reportId}`);
    const report =
      known === undefined
        ? host.store.reports.insert({
            ...facts,
            link,
            repositoryId: repository.id,
            sha,
            reportId,
            createdAt: timestamp(host.now()),
          })
        : host.store.reports.save({ ...known, ...facts, link });
    return c.json(reportShape(report));
  });
  api.get(`${base}/reports`, async (c) => {
    const { repository, sha } = await commitOf(host, c, read);
    return c.json(page(c, host.store.reports.list(`${repository.id}@${sha}`).map(reportShape), 100));
  });
  api.delete(`${base}/reports/:report`, async (c) => {
    const report = await reportOf(host, c, write);
    host.store.atomically(() => {
      for (const { id } of host.store.reportAnnotations.list(report.id)) host.store.reportAnnotations.delete(id);
      host.store.reports.delete(report.id);
    });
    return c.body(null, 204);
  });

  api.post(`${base}/reports/:report/annotations`, async (c) => {
    const report = await reportOf(host, c, write);
    const annotations = await readBody(c, Annotations);
    const made = host.store.atomically(() =>
      annotations.map(({ external_id: externalId, annotation_type: _, ...facts }) => {
        const known = host.store.reportAnnotations.findByKey(`${report.id}:${externalId}`);
        return known === undefined
          ? host.store.reportAnnotations.insert({ ...facts, externalId, onId: report.id })
          : host.store.reportAnnotations.save({ ...known, ...facts });
      }),
    );
    if (host.store.reportAnnotations.list(report.id).length > maxAnnotations)
      throw new Refusal(400, `A report has at most ${maxAnnotations} annotations`);
    return c.json(
      made.map((each) => ({ type: 'report_annotation', uuid: uuidOf(each.id), path: each.path, line: each.line })),
    );
  });
  api.get(`${base}/reports/:report/annotations`, async (c) => {
    const report = await reportOf(host, c, read);
    const annotations = host.store.reportAnnotations.list(report.id).map(
      (each) =>
        ({
          type: 'report_annotation',
          uuid: uuidOf(each.id),
          external_id: each.externalId,
          path: each.path,
          line: each.line,
          severity: each.severity,
          summary: each.summary,
          details: each.details,
        }) as const satisfies Published<'report_annotation'>,
    );
    return c.json(page(c, annotations, 100));
  });
}

async function commitOf(
  host: Host,
  c: ApiContext,
  needed: typeof read | typeof write,
): Promise<{ readonly repository: Repository; readonly sha: string }> {
  const repository = repositoryOf(host, c, needed);
  const git = gitOf(host, repository.id);
  const sha = await git.resolve(c.req.param('sha') ?? '');
  // What a pull request brought from a fork is no commit of this repository.
  if (sha === undefined || !(await git.isOnBranch(sha))) throw new Refusal(404, 'Commit not found');
  return { repository, sha };
}

async function reportOf(host: Host, c: ApiContext, needed: typeof read | typeof write): Promise<Report> {
  const { repository, sha } = await commitOf(host, c, needed);
  const report = host.store.reports.findByKey(`${repository.id}@${sha}:${c.req.param('report')}`);
  if (report === undefined) throw notFound();
  return report;
}

export function buildStatuses(host: Host, repositoryId: number, sha: string) {
  return host.store.buildStatuses.list(`${repositoryId}@${sha}`).map((status) => statusShape(host, status));
}

function statusShape(host: Host, status: BuildStatus) {
  const commit = `${repositoryUrl(host, host.store.repositories.get(status.repositoryId))}/commit/${status.sha}`;
  return {
    type: 'build',
    key: status.key,
    name: status.name,
    state: StatusBody.shape.state.parse(status.state),
    description: status.description,
    url: status.url,
    ...(status.refname === undefined ? {} : { refname: status.refname }),
    created_on: timeOf(status.createdAt),
    updated_on: timeOf(status.updatedAt),
    links: { self: { href: `${commit}/statuses/build/${status.key}` }, commit: { href: commit } },
  } as const;
}

function reportShape(report: Report) {
  return {
    type: 'report',
    uuid: uuidOf(report.id),
    external_id: report.reportId,
    title: report.title,
    details: report.details,
    reporter: report.reporter,
    result: report.result,
    created_on: timeOf(report.createdAt),
    ...(report.link === '' ? {} : { link: report.link }),
  } as const satisfies Published<'report'>;
}
