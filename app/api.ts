import { Hono } from 'hono';
import { streamText } from 'hono/streaming';
import { z } from 'zod';
import { attemptOf, isEnded } from '../engine/core/run.ts';
import type { Wait } from '../engine/core/schedule.ts';
import type { Person } from '../engine/core/trigger.ts';
import type { LogStore } from '../engine/ports/log-store.ts';
import type { RunList } from '../engine/ports/run-list.ts';
import type { RunChange, RunLoop } from '../engine/run-loop.ts';
import type { Audit } from './audit.ts';
import type { OperatorApproval } from './conversation/operator-approval.ts';
import type { Rebuild } from './rebuild.ts';

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
  readonly logs: LogStore;
  readonly waitsOf: (runId: string) => readonly Wait[];
  readonly rollback: Rollback;
  readonly audit: Audit;
  readonly approvals: OperatorApproval;
  readonly rebuild: Rebuild;
}): Hono {
  const { loop, runs, logs } = parts;
  const api = new Hono();

  async function idOf(text: string): Promise<string | { readonly error: string; readonly fix: string }> {
    const ids = await runs.idsByPrefix(text);
    const [first, second] = ids;
    if (first === undefined) return { error: `There is no run "${text}"`, fix: 'See `slipway runs` for the ids' };
    if (second !== undefined && first !== text)
      return { error: `"${text}" could be ${first} or ${second}`, fix: 'Give more of the id' };
    return first;
  }

  async function latest(runId: string): Promise<RunChange | undefined> {
    return loop.runAt(runId, Number.MAX_SAFE_INTEGER);
  }

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
    const last = await latest(runId);
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
    const run = (await latest(runId))?.run;
    const stage = context.req.param('stage');
    const state = run?.stages[stage];
    if (state === undefined) {
      const names = run?.plan.stages.map(({ name }) => name).join(', ') ?? '';
      return context.json({ error: `Run ${runId} has no stage "${stage}"`, fix: `Its stages: ${names}` }, 404);
    }
    const latestAttempt = Math.max(1, attemptOf(state));
    const attempt = query.data.attempt ?? latestAttempt;
    if (attempt > latestAttempt) {
      const error = `Stage "${stage}" of run ${runId} has no attempt ${attempt}`;
      return context.json({ error, fix: `Its last is ${latestAttempt}` }, 404);
    }
    const ref = { runId, stage, attempt };
    return streamText(context, async (stream) => {
      const ended = new AbortController();
      stream.onAbort(() => ended.abort());
      // Of an attempt that is over nothing more comes, whether or not its log was ended.
      const isOver = isEnded(state) || attempt < latestAttempt;
      const batches = query.data.follow === 'true' && !isOver ? logs.follow(ref, 0, ended.signal) : logs.read(ref, 0);
      let isEmpty = true;
      for await (const { lines } of batches) {
        isEmpty = false;
        await stream.write(`${lines.join('\n')}\n`);
      }
      const hadLines = attempt === latestAttempt && 'log' in state && state.log.lines > 0;
      if (isEmpty && hadLines) await stream.write('slipway: this log is not kept any more\n');
    });
  });

  api.post('/runs/:id/cancel', async (context) => {
    const runId = await idOf(context.req.param('id'));
    if (typeof runId !== 'string') return context.json(runId, 404);
    const body = cancelBody.safeParse(await context.req.json().catch(() => ({})));
    if (!body.success) return context.json(badRequest(body.error), 400);
    const sent = await loop.send(runId, { type: 'CancelRun', by: operator, reason: body.data.reason });
    return sent.ok
      ? context.json({ runId, version: sent.version })
      : context.json({ error: sent.reason, fix: `See \`slipway show ${runId}\`` }, 409);
  });

  api.post('/runs/:id/retry', async (context) => {
    const runId = await idOf(context.req.param('id'));
    if (typeof runId !== 'string') return context.json(runId, 404);
    const body = retryBody.safeParse(await context.req.json().catch(() => ({})));
    if (!body.success) return context.json(badRequest(body.error), 400);
    const sent = await loop.send(runId, { type: 'RetryStages', by: operator, stages: body.data.stages ?? 'failed' });
    return sent.ok
      ? context.json({ runId, version: sent.version })
      : context.json({ error: sent.reason, fix: `See \`slipway show ${runId}\`` }, 409);
  });

  api.post('/runs/:id/approval', async (context) => {
    const runId = await idOf(context.req.param('id'));
    if (typeof runId !== 'string') return context.json(runId, 404);
    const body = approvalBody.safeParse(await context.req.json().catch(() => ({})));
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
    const body = rollbackBody.safeParse(await context.req.json().catch(() => ({})));
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
