import { once } from 'node:events';
import type { Server, Socket } from 'node:net';

/** A server of the tests on a port of its own. */
export interface Listening {
  readonly port: number;
  /** Ends it with all its connections. */
  close(): Promise<void>;
}

/** @param at 127.0.0.1 and any free port, where nothing is said */
export async function listening(
  server: Server,
  at: { readonly host?: string; readonly port?: number } = {},
): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(at.port ?? 0, at.host ?? '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The server does not listen');
  return {
    port: address.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
