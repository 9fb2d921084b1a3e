import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Hono } from 'hono';
import { acquireLease } from '../../engine/mongo/lease.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { Leader, Lease } from '../../engine/ports/lease.ts';
import type { Config } from '../config.ts';
import { createApp, listen } from '../server.ts';

/**
 * Waits until this replica leads. Until then it takes webhooks in, which the leader works off, shows runs, and passes
 * agents on to the leader: so any replica may be asked, and one that dies costs nothing but its connections.
 * @returns undefined when `signal` ended the wait
 */
export async function standBy(parts: {
  readonly config: Config;
  readonly leases: Database;
  readonly webhooks: Hono;
  /** Any replica may be asked for them. */
  readonly pages: Hono;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}): Promise<Lease | undefined> {
  const { config, onError } = parts;
  let leader: Leader | undefined;
  const api = new Hono().all('*', (context) =>
    context.json(
      { error: 'This replica stands by', fix: `Ask the one that leads: ${leader?.holder ?? 'none does yet'}` },
      503,
    ),
  );
  const app = createApp({
    webhooks: parts.webhooks,
    pages: parts.pages,
    api,
    apiToken: config.apiToken ?? randomUUID(),
    hosts: () => new Set(),
    isReady: () => leader !== undefined,
    onError,
  });
  let open: Promise<() => Promise<void>> | undefined;
  const openAll = async () => {
    const { server } = await listen(app, config.listen);
    const agents = passOn(config.agents, () => leader?.address);
    return async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await agents.close();
    };
  };
  const lease = await acquireLease(
    parts.leases,
    { holder: config.replica, address: config.address ?? '127.0.0.1' },
    {
      signal: parts.signal,
      onError,
      onLeader(next) {
        leader = next;
        // Only who has to wait listens as one that waits.
        open ??= openAll();
        open.catch(onError);
      },
    },
  );
  await (await open)?.();
  return lease;
}

/** Passes connections on to the same port of the leader; while there is none they end at once, and agents come again. */
function passOn(
  address: { readonly host: string; readonly port: number },
  leader: () => string | undefined,
): { close(): Promise<void> } {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  };
  const server: Server = createServer((incoming) => {
    keep(incoming);
    const host = leader();
    if (host === undefined) return incoming.destroy();
    const outgoing = connect(address.port, host);
    keep(outgoing);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.once('close', () => outgoing.destroy());
    outgoing.once('close', () => incoming.destroy());
    return undefined;
  });
  server.listen(address.port, address.host);
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
