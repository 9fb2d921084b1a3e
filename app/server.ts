import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { reportOf } from './error-report.ts';
import { requireToken } from './local-access.ts';

const apiBodyMaxBytes = 1_000_000;
const statusOf: Readonly<Record<string, 400 | 404 | 409 | 403>> = {
  invalid: 400,
  'not-found': 404,
  conflict: 409,
  denied: 403,
};

/** The HTTP side of Slipway: webhooks for Git hosts, the API for the command line, health for the platform. No decisions. */
export function createApp(parts: {
  readonly webhooks: Hono;
  readonly api: Hono;
  /** What browsers get; none on a replica that stands by. */
  readonly pages?: Hono;
  readonly apiToken: string;
  readonly hosts: () => ReadonlySet<string>;
  readonly isReady: () => boolean;
  readonly onError: (error: unknown) => void;
}): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    // Hono's own, which says no word. What is left of the body is not read, so nothing can follow on that connection.
    if (error instanceof HTTPException && error.status === 413)
      return context.json({ error: 'The body of the request is too large', fix: 'Send less' }, error.status, {
        connection: 'close',
      });
    const report = reportOf(error);
    const status = statusOf[report.code] ?? 500;
    // Who hangs up in the middle of a request is no fault of Slipway's, and may be anybody.
    if (status === 500 && !context.req.raw.signal.aborted) parts.onError(error);
    return context.json({ error: report.message, fix: report.fix ?? 'See the log of Slipway' }, status);
  });
  app.notFound((context) =>
    context.json({ error: `Nothing is at ${context.req.path}`, fix: 'See the documentation' }, 404),
  );
  app.get('/healthz', (context) => context.json({ status: 'alive' }));
  app.get('/readyz', (context) =>
    context.json({ status: parts.isReady() ? 'ready' : 'starting' }, parts.isReady() ? 200 : 503),
  );
  app.route('/webhooks', parts.webhooks);
  app.use('/api/*', requireToken(parts.apiToken, parts.hosts), bodyLimit({ maxSize: apiBodyMaxBytes }));
  app.route('/api', parts.api);
  if (parts.pages !== undefined) app.route('/', parts.pages);
  return app;
}

/** @returns the listening server and the port it got */
export async function listen(
  app: Hono,
  address: { readonly host: string; readonly port: number },
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer(getRequestListener(app.fetch));
  // A sender that trickles its request may not hold a connection for ever.
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  return { server, port: (server.address() as AddressInfo).port };
}
