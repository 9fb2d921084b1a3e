import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Passing, Striker } from '../striker.ts';
import { framesOf, insertOf } from './frames.ts';
import { type Listening, listening } from './listening.ts';

const logs = new Set(['run-events', 'rollout-events']);

/** Stands before the database and sees every commit: each is an insert into a log of events. */
export async function databaseProxy(upstream: { readonly port: number }, striker: Striker): Promise<Listening> {
  return listening(
    createServer((client) => {
      const server = connect(upstream.port, '127.0.0.1');
      const passings = new Map<number, Passing>();
      const end = () => {
        client.destroy();
        server.destroy();
      };
      for (const socket of [client, server]) socket.on('error', end).on('close', end);
      const there = async () => {
        for await (const frame of framesOf(client)) {
          const insert = insertOf(frame);
          if (insert !== undefined && logs.has(insert.collection)) {
            const passing = striker.pass('commit', typesOf(insert.documents));
            passings.set(frame.id, passing);
            if ((await passing.before()) === 'cut') return end();
          }
          await write(server, frame.bytes);
        }
      };
      const back = async () => {
        for await (const frame of framesOf(server)) {
          const passing = passings.get(frame.answerTo);
          passings.delete(frame.answerTo);
          if (passing !== undefined && (await passing.after()) === 'cut') return end();
          await write(client, frame.bytes);
        }
      };
      // A broken connection ends both ways; what it was for is asked again over another one.
      there().catch(end);
      back().catch(end);
    }),
  );
}

function typesOf(documents: readonly { readonly [field: string]: unknown }[]): string {
  return documents
    .flatMap((document) => (Array.isArray(document['events']) ? document['events'] : []))
    .map((event: { readonly type?: unknown; readonly stage?: unknown }) =>
      [event.type, event.stage].filter((part) => part !== undefined).join(' '),
    )
    .join(', ');
}

async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed) throw new Error('The connection is gone');
  if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
}
