import { createServer, type Server } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Faults } from './faults.ts';
import { addGitRoutes } from './git/git-routes.ts';
import type { Host } from './host.ts';
import type { Asset } from './pages/assets.ts';
import { pageRoutes } from './pages/router.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { RequestCounter } from './request-counter.ts';
import type { SecondaryLimits } from './secondary-limits.ts';

const stopMs = 2_000;

/** Everything that the host answers: git, the API, pages. */
export function hostApplication(
  host: Host,
  parts: {
    readonly faults: Faults;
    readonly requests: RequestCounter;
    readonly limiter: RateLimiter;
    readonly secondary?: SecondaryLimits;
    readonly assets: ReadonlyMap<string, Asset>;
  },
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const { port, host: own } = new URL(host.url);
  const ownHosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`, own]);
  app.use(async (c, next) => {
    // A name that an attacker's DNS points here must not work: only our own names do.
    if (!ownHosts.has(c.req.header('host') ?? '')) return c.text('Unknown host name\n', 421);
    return await next();
  });
  app.route(host.face.prefix, host.face.rest(host, parts));
  addGitRoutes(app, host);
  app.route('/', pageRoutes(host, parts.assets));
  return app;
}

/** Listens on 127.0.0.1 alone, unless others shall reach it under an address. @throws the system's error when the port is taken */
export async function listen(port: number, address?: string): Promise<Server> {
  const server = createServer();
  // Pushes may take long; their headers do not.
  server.headersTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address === undefined ? '127.0.0.1' : '0.0.0.0', resolve);
  });
  return server;
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server does not listen');
  return address.port;
}

/** @returns a wait for the answers that are being made, of those whose askers hung up too; for two seconds at most */
export function answerWith(server: Server, app: Hono<{ Bindings: HttpBindings }>): () => Promise<void> {
  let open = 0;
  server.on(
    'request',
    getRequestListener(async (request, bindings) => {
      open += 1;
      try {
        return await app.fetch(request, bindings);
      } finally {
        open -= 1;
      }
    }),
  );
  return async () => {
    for (let waitedMs = 0; open > 0 && waitedMs < stopMs; waitedMs += 10)
      await new Promise((resolve) => setTimeout(resolve, 10));
  };
}

export async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
