import { createServer, type IncomingMessage, request as plainRequest, type ServerResponse } from 'node:http';
import { type RequestOptions, request as tlsRequest } from 'node:https';
import type { Striker, WriteKind } from '../striker.ts';
import { type Listening, listening } from './listening.ts';

/** Stands before an API and sees every write to it. */
export async function httpProxy(options: {
  readonly kind: WriteKind;
  readonly striker: Striker;
  /** The address it listens at; 127.0.0.1 where nothing is said. */
  readonly host?: string;
  /** Where it passes requests on to, asked anew each time. */
  readonly upstream: () => Promise<{ readonly url: string; readonly access: RequestOptions }>;
  /** POSTs that change nothing which anybody sees. */
  readonly isRead: (path: string) => boolean;
}): Promise<Listening> {
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.requestTimeout = 0;
  return listening(server, options.host === undefined ? {} : { host: options.host });

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = incoming;
    const body: Buffer[] = [];
    for await (const chunk of incoming) body.push(chunk);
    const isWrite = method !== 'GET' && method !== 'HEAD' && !options.isRead(path);
    const passing = isWrite ? options.striker.pass(options.kind, `${method} ${path.split('?')[0]}`) : undefined;
    if ((await passing?.before()) === 'cut') return void incoming.socket.destroy();

    const { url, access } = await options.upstream();
    const target = new URL(path, url);
    const { host, connection, ...headers } = incoming.headers;
    const send = target.protocol === 'https:' ? tlsRequest : plainRequest;
    const sent = send(target, { ...access, method, headers: { ...headers, ...access.headers, host: target.host } });
    const answered = Promise.withResolvers<IncomingMessage>();
    sent.once('response', answered.resolve);
    sent.once('error', answered.reject);
    const { socket } = incoming;
    const gone = () => sent.destroy();
    socket.once('close', gone);
    sent.once('close', () => socket.off('close', gone));
    sent.end(Buffer.concat(body));
    const answer = await answered.promise;
    answer.once('error', () => incoming.socket.destroy());
    if (passing === undefined) {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      answer.once('close', () => {
        if (!answer.complete) incoming.socket.destroy();
      });
      return;
    }
    const content: Buffer[] = [];
    for await (const chunk of answer) content.push(chunk);
    if ((await passing.after()) === 'cut') return void incoming.socket.destroy();
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.end(Buffer.concat(content));
  }
}
