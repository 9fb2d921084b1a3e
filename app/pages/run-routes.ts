import { type Context, Hono } from 'hono';
import { streamSSE, streamText } from 'hono/streaming';
import { z } from 'zod';
import type { Run } from '../../engine/core/run.ts';
import type { Wait } from '../../engine/core/schedule.ts';
import type { RepositoryRef } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { RunSummary } from '../../engine/ports/run-list.ts';
import type { GitHost } from '../../providers/git-host.ts';
import { reportOf } from '../error-report.ts';
import type { LogPlace, ReadRuns } from '../read-runs.ts';
import type { BrowserSession } from './browser-session.ts';
import type { RunAccess } from './run-access.ts';
import { brokenPage, noSuchRunPage, runSignInPage, type SignInChoice } from './run-access-pages.ts';
import { runListPage } from './run-list-page.ts';
import { runPage } from './run-page.ts';
import { type LogPart, logRows, shownLines, stagePage } from './stage-page.ts';

const maxFollowers = 200;
const shownRuns = 50;
const readRuns = 200;
const logQuery = z.object({
  attempt: z.coerce.number().int().min(1).optional(),
  from: z.coerce.number().int().min(0).max(1e9).optional(),
});

/** Pages of runs, for those who may read their repository. Whether a run exists is told to nobody else. */
export function runRoutes(parts: {
  readonly session: BrowserSession;
  readonly access: RunAccess;
  /** Hosts whose people may sign in by themselves. */
  readonly signIns: () => readonly SignInChoice[];
  readonly read: ReadRuns;
  readonly hosts: (provider: string) => GitHost;
  readonly waitsOf: (runId: string) => readonly Wait[];
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}): Hono {
  const { session, access, read, clock } = parts;
  const routes = new Hono();
  let followers = 0;

  /** Back to this page afterwards; from what no person opens by itself, to the run. */
  function signInFirst(context: Context, runId: string): Response | Promise<Response> {
    const { path } = context.req;
    const to = /\/(?:log\.txt|lines)$/.test(path) ? '/runs' : path;
    return context.html(runSignInPage(runId, to, parts.signIns()), 401);
  }

  /** Until the session ends or the right does: a page may be followed for longer than either. */
  async function mayStillRead(context: Context, { repository }: Run): Promise<boolean> {
    const viewer = await session.viewer(context);
    return viewer !== undefined && (await access.mayRead(viewer, repository));
  }

  /** The run, or the answer for those who may not see it. */
  async function allowed(context: Context): Promise<Run | Response> {
    const viewer = await session.viewer(context);
    if (viewer === undefined) return signInFirst(context, context.req.param('id') ?? '');
    const id = context.req.param('id') ?? '';
    const run = /^[a-z0-9]{1,40}$/.test(id) ? (await read.latest(id))?.run : undefined;
    if (run === undefined || !(await access.mayRead(viewer, run.repository))) return context.html(noSuchRunPage(), 404);
    return run;
  }

  /** The run and the attempt that is asked for. */
  async function placeIn(
    context: Context,
  ): Promise<
    { readonly run: Run; readonly stage: string; readonly place: LogPlace; readonly from?: number } | Response
  > {
    const run = await allowed(context);
    if (run instanceof Response) return run;
    const query = logQuery.safeParse(context.req.query());
    const stage = context.req.param('stage') ?? '';
    const place = query.success ? read.logPlace(run, stage, query.data.attempt) : undefined;
    if (!query.success || place === undefined || 'error' in place) return context.html(noSuchRunPage(), 404);
    return { run, stage, place, ...(query.data.from === undefined ? {} : { from: query.data.from }) };
  }

  routes.onError((error, context) => {
    parts.onError(error);
    const { message, fix } = reportOf(error);
    return context.html(brokenPage(message, fix ?? 'The log of Slipway tells more.'), 502);
  });

  routes.get('/', async (context) => {
    const viewer = await session.viewer(context);
    if (viewer === undefined) return signInFirst(context, '');
    const shown: RunSummary[] = [];
    for (const run of await read.recent(readRuns))
      if (shown.length < shownRuns && (await access.mayRead(viewer, repositoryOf(run)))) shown.push(run);
    return context.html(runListPage(shown, clock.now()));
  });

  routes.get('/:id', async (context) => {
    const run = await allowed(context);
    if (run instanceof Response) return run;
    const { provider } = run.repository;
    return context.html(
      runPage({
        run,
        history: await read.history(run.runId),
        waits: parts.waitsOf(run.runId),
        slashCommandsTaken: provider !== 'local' && parts.hosts(provider).capabilities.slashCommandsTaken,
        now: clock.now(),
      }),
    );
  });

  routes.get('/:id/stages/:stage', async (context) => {
    const found = await placeIn(context);
    if (found instanceof Response) return found;
    const { run, stage, place, from } = found;
    return context.html(stagePage({ run, stage, place, log: await partOf(read, place, from), now: clock.now() }));
  });

  routes.get('/:id/stages/:stage/log.txt', async (context) => {
    const found = await placeIn(context);
    if (found instanceof Response) return found;
    return streamText(context, async (stream) => {
      for await (const { lines } of read.lines(found.place, 0)) await stream.write(`${lines.join('\n')}\n`);
    });
  });

  routes.get('/:id/stages/:stage/lines', async (context) => {
    const found = await placeIn(context);
    if (found instanceof Response) return found;
    if (followers >= maxFollowers) return context.text('Too many follow logs now: reload instead\n', 503);
    followers += 1;
    // A browser that lost the connection goes on where it was.
    const last = Number(context.req.header('last-event-id'));
    const from = Number.isSafeInteger(last) && last > 0 ? last : (found.from ?? 0);
    return streamSSE(context, async (stream) => {
      const ended = new AbortController();
      stream.onAbort(() => ended.abort());
      try {
        for await (const { firstLine, lines } of read.lines(found.place, from, ended.signal)) {
          if (!(await mayStillRead(context, found.run))) return;
          const data = String(await logRows({ firstLine, lines }));
          await stream.writeSSE({ event: 'lines', id: String(firstLine + lines.length), data });
        }
        await stream.writeSSE({ event: 'end', data: 'end' });
      } finally {
        followers -= 1;
      }
    });
  });

  return routes;
}

function repositoryOf({ provider, tenant, repositoryId, repository }: RunSummary): RepositoryRef {
  const [name = ''] = repository.split('/').slice(-1);
  return { provider, tenant, id: repositoryId, owner: repository.slice(0, -name.length - 1), name };
}

/** @param from the first line; the last ones when left out */
async function partOf(read: ReadRuns, place: LogPlace, from: number | undefined): Promise<LogPart> {
  const begin = from ?? Math.max(0, (place.lines ?? 0) - shownLines);
  let lines: string[] = [];
  let firstLine = begin;
  for await (const batch of read.lines(place, begin)) {
    lines.push(...batch.lines);
    if (lines.length <= shownLines) continue;
    if (from !== undefined) return { firstLine, lines: lines.slice(0, shownLines), isCut: true };
    firstLine += lines.length - shownLines;
    lines = lines.slice(-shownLines);
  }
  return { firstLine, lines, isCut: false };
}
