import { connect, createServer, type Socket } from 'node:net';
import { type Listening, listening } from './listening.ts';

const connectWithinMs = 2_000;

/** One address for several replicas, as a Service is: each connection goes to one that listens, one after the other in turn. */
export async function balancer(
  at: { readonly host: string; readonly port: number },
  targets: readonly { readonly host: string; readonly port: number }[],
): Promise<Listening> {
  let turn = 0;
  return listening(
    createServer((client) => {
      turn += 1;
      const order = targets.map((_, index) => targets[(index + turn) % targets.length]);
      const from = (index: number) => {
        const target = order[index];
        if (target === undefined) return client.destroy();
        const server: Socket = connect(target.port, target.host);
        const next = () => {
          server.destroy();
          from(index + 1);
        };
        const timer = setTimeout(next, connectWithinMs);
        server.once('error', next);
        server.once('connect', () => {
          clearTimeout(timer);
          server.off('error', next);
          server.on('error', () => client.destroy());
          client.once('close', () => server.destroy());
          server.once('close', () => client.destroy());
          client.pipe(server).pipe(client);
        });
        server.once('close', () => clearTimeout(timer));
        return undefined;
      };
      client.on('error', () => client.destroy());
      from(0);
    }),
    at,
  );
}
