import { type Context, Hono } from 'hono';
import { streamText } from 'hono/streaming';
import { z } from 'zod';
import type { Finding } from '../doctor/finding.ts';
import { reportOf } from '../error-report.ts';
import { jsonBody } from '../json-body.ts';
import type { Pages } from '../pages/open-pages.ts';
import type { Connect, ConnectNews } from './connect.ts';
import type { Connections } from './connections.ts';
import type { LabelStep } from './make-labels.ts';

const linkBody = z.object({
  url: z.string().max(300).optional(),
  organization: z.string().max(100).optional(),
});
const place = { provider: z.string().max(40), path: z.string().min(1).max(500) };
const connectBody = z.object({
  ...place,
  settings: z.record(z.string().max(60), z.string().max(4_000)).default({}),
  makesLabels: z.boolean().default(false),
  isDryRun: z.boolean().default(false),
});
const labelsBody = z.object({ provider: place.provider, repository: z.string().max(300).optional() });
const disconnectBody = z.object({ ...place, isDryRun: z.boolean().default(false) });

/** What the command line asks about Git hosts and installations. */
export function installationApi(parts: {
  readonly setupLink: Pages['setupLink'];
  readonly connect: Connect;
  readonly connections: Connections;
  readonly labels: (provider: string, repository: string | undefined) => AsyncGenerator<LabelStep>;
  readonly diagnose: () => AsyncGenerator<Finding>;
}): Hono {
  const { connect, connections } = parts;
  const api = new Hono();
  api.post('/setup-link', async (context) => {
    const body = linkBody.safeParse(await jsonBody(context));
    if (!body.success) return context.json(notUnderstood('setup'), 400);
    return context.json({ link: await parts.setupLink(body.data) });
  });

  api.get('/connections', async (context) =>
    context.json(
      (await connections.all()).map(({ provider, place: { path }, makesLabels, connectedAt }) => ({
        provider,
        path,
        makesLabels,
        connectedAt,
      })),
    ),
  );
  api.post('/connections', async (context) => {
    const body = connectBody.safeParse(await jsonBody(context));
    return body.success ? told(context, connect.connect(body.data)) : context.json(notUnderstood('connect'), 400);
  });
  api.post('/connections/remove', async (context) => {
    const body = disconnectBody.safeParse(await jsonBody(context));
    if (!body.success) return context.json(notUnderstood('disconnect'), 400);
    const { provider, path, isDryRun } = body.data;
    return told(context, connect.disconnect(provider, path, isDryRun ? 'dry-run' : 'apply'));
  });
  api.post('/labels', async (context) => {
    const body = labelsBody.safeParse(await jsonBody(context));
    if (!body.success) return context.json(notUnderstood('labels'), 400);
    return told(context, parts.labels(body.data.provider, body.data.repository));
  });
  api.post('/doctor', (context) => told(context, parts.diagnose()));
  return api;
}

function notUnderstood(command: string) {
  return { error: 'The request is not understood', fix: `See \`slipway help ${command}\`` };
}

/** A line of JSON for each thing that is done, as it is done. What fails before the first is an error of the request itself. */
async function told(context: Context, news: AsyncGenerator<ConnectNews | LabelStep | Finding>): Promise<Response> {
  const first = await news.next();
  return streamText(context, async (stream) => {
    try {
      for (let next = first; !next.done; next = await news.next()) await stream.writeln(JSON.stringify(next.value));
    } catch (error) {
      const { message, fix } = reportOf(error);
      await stream.writeln(JSON.stringify({ error: message, fix: fix ?? 'See the log of Slipway' }));
    } finally {
      // Whoever hung up ends it too, and what was begun is put right by the next sweep.
      await news.return(undefined);
    }
  });
}
