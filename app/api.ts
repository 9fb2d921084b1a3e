import { Hono } from 'hono';
import { streamText } from 'hono/streaming';
import { z } from 'zod';
import type { Wait } from '../engine/core/schedule.ts';
import type { Person } from '../engine/core/trigger.ts';
import type { RunList } from '../engine/ports/run-list.ts';
import type { RunLoop } from '../engine/run-loop.ts';
import type { OperatorApproval } from './conversation/operator-approval.ts';
import { jsonBody } from './json-body.ts';
import type { ReadRuns } from './read-runs.ts';
import type { Rebuild } from './rebuild.ts';
import type { Audit } from './steering/audit.ts';

/** Who acts through the command line: whoever may read the token on the machine that runs Slipway. */
const operator: Person = { login: 'operator', id: 'operator' };

const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(20),
  repository: z.string().max(300).optional(),
});
const cancelBody = z.object({ reason: z.string().min(1).max(300).default('cancelled by hand') });
const retryBody = z.object({ stages: z.array(z.string().max(100)).min(1).max(100).optional() });
const rollbackBody = z.object({
  repository: z.string().max(300).optional(),
  revision: z.number().int().min(1).optional(),
});
const approvalBody = z.object({
  verdict: z.enum(['approve', 'reject']),
  environment: z.string().max(100).optional(),
  reason: z.string().max(300).default(''),
});
const auditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(50),
  repository: z.string().max(300).optional(),
  outcome: z.enum(['done', 'denied', 'refused']).optional(),
});
const logQuery = z.object({
  attempt: z.coerce.number().int().min(1).optional(),
  follow: z.enum(['true', 'false']).default('false'),
});

/** Goes back to a revision that was live before. Resolves to a line for people; throws what went wrong. */
export type Rollback = (request: {
  readonly environment: string;
  readonly repository?: string;
  readonly revision?: number;
  readonly by: Person;
}) => Promise<{ readonly message: string }>;

/** What the command line asks of a running Slipway. Answers JSON; logs as plain text. */
export function apiRoutes(parts: {
  readonly loop: RunLoop;
  readonly runs: RunList;
  readonly read: ReadRuns;
  readonly waitsOf: (runId: string) => readonly Wait[];
  readonly rollback: Rollback;
  readonly audit: Audit;
  readonly approvals: OperatorApproval;
  readonly rebuild: Rebuild;
  /** Opens the run's page in the browser of whoever runs Slipway. */
  readonly runLink: (runId: string) => Promise<string>;
}): Hono {
  const { loop, runs, read } = parts;
  const api = new Hono();

  const idOf = (text: string) => read.idOf(text);

  api.get('/runs', async (context) => {
    const query = listQuery.safeParse(context.req.query());
    if (!query.success) return context.json(badRequest(query.error), 400);
    const { limit, repository } = query.data;
    return context.json(await runs.find(repository === undefined ? {} : { repository }, { limit }));
  });

  api.get('/runs/:id', async (context) => {
    const runId = await idOf(context.req.param('id'));
    if (typeof runId !== 'string') return context.json(runId, 404);
    const at = context.req.query('at');
    const last = await read.latest(runId);
    const change = at === undefined ? last : await loop.runAt(runId, Number(at));
    return change === undefined || Number(at) > (last?.version ?? 0)
      ? context.json(
          {
            error: `Run ${runId} has no commit ${at ?? ''}; its last is ${last?.version ?? 0}`,
            fix: `See \`slipway show ${runId} --events\``,
          },
          404,
        )
      : context.json({ ...change, waits: at === undefined ? parts.waitsOf(runId) : [] });
  });

  api.get('/runs/:id/events', async (context) => {
    const runId = await idOf(context.req.param('id'));
    if (typeof runId !== 'string') return context.json(runId, 404);
    return context.json(await loop.history(runId));
  });

  api.get('/runs/:id/logs/:stage', async (context) => {
    const runId = await idOf(context.req.param('id'));
    if (typeof runId !== 'string') return context.json(runId, 404);
    const query = logQuery.safeParse(context.req.query());
    if (!query.success) return context.json(badRequest(query.error), 400);
    const run = (await read.latest(runId))?.run;
    if (run === undefined) return context.json({ error: `There is no run "${runId}"`, fix: '' }, 404);
    const place = read.logPlace(run, context.req.param('stage'), query.data.attempt);
    if ('error' in place) return context.json(place, 404);
    return streamText(context, async (stream) => {
      const ended = new AbortController();
      stream.onAbort(() => ended.abort());
      const signal = query.data.follow === 'true' ? ended.signal : undefined;
      for await (const { lines } of read.lines(place, 0, signal)) await stream.write(`${lines.join('\n')}\n`);
    });
  });

  api.post('/runs/:id/link', async (context) => {
    const runId = await idOf(context.req.param('id'));
    return typeof runId === 'string' ? context.json({ link: await parts.runLink(runId) }) : context.json(runId, 404);
  });

  api.post('/runs/:id/cancel', async (context) => {
    const runId = await idOf(context.req.param('id'));
    if (typeof runId !== 'string') return context.json(runId, 404);
    const body = cancelBody.safeParse(await jsonBody(context));
    if (!body.success) return context.json(badRequest(body.error), 400);
    const sent = await loop.send(runId, { type: 'CancelRun', by: operator, reason: body.data.reason });
    return sent.ok
      ? context.json({ runId, version: sent.version })
      : context.json({ error: sent.reason, fix: `See \`slipway show ${runId}\`` }, 409);
  });

  api.post('/runs/:id/retry', async (context) => {
    const runId = await idOf(context.req.param('id'));
    if (typeof runId !== 'string') return context.json(runId, 404);
    const body = retryBody.safeParse(await jsonBody(context));
    if (!body.success) return context.json(badRequest(body.error), 400);
    const sent = await loop.send(runId, { type: 'RetryStages', by: operator, stages: body.data.stages ?? 'failed' });
    return sent.ok
      ? context.json({ runId, version: sent.version })
      : context.json({ error: sent.reason, fix: `See \`slipway show ${runId}\`` }, 409);
  });

  api.post('/runs/:id/approval', async (context) => {
    const runId = await idOf(context.req.param('id'));
    if (typeof runId !== 'string') return context.json(runId, 404);
    const body = approvalBody.safeParse(await jsonBody(context));
    if (!body.success) return context.json(badRequest(body.error), 400);
    const { verdict, environment, reason } = body.data;
    const answered = await parts.approvals.answer(runId, environment, operator, verdict, reason);
    return answered.ok
      ? context.json({ message: answered.message })
      : context.json({ error: answered.error, fix: `See \`slipway why ${runId}\`` }, 409);
  });

  api.get('/audit', async (context) => {
    const query = auditQuery.safeParse(context.req.query());
    if (!query.success) return context.json(badRequest(query.error), 400);
    const { limit, repository, outcome } = query.data;
    const filter = {
      ...(repository === undefined ? {} : { repository }),
      ...(outcome === undefined ? {} : { outcome }),
    };
    return context.json(await parts.audit.find(filter, limit));
  });

  api.post('/environments/:environment/rollback', async (context) => {
    const body = rollbackBody.safeParse(await jsonBody(context));
    if (!body.success) return context.json(badRequest(body.error), 400);
    const { repository, revision } = body.data;
    const done = await parts.rollback({
      environment: context.req.param('environment'),
      by: operator,
      ...(repository === undefined ? {} : { repository }),
      ...(revision === undefined ? {} : { revision }),
    });
    return context.json(done);
  });

  api.post('/rebuild', (context) =>
    streamText(context, async (stream) => {
      for await (const rebuilt of parts.rebuild()) await stream.writeln(JSON.stringify(rebuilt));
    }),
  );

  return api;
}

function badRequest(error: z.ZodError): { error: string; fix: string } {
  const [issue] = error.issues;
  return { error: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`, fix: 'See `slipway help`' };
}
