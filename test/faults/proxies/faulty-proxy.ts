import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type Listening, listening } from './listening.ts';

/** How what stands behind the proxy behaves. */
export type Behaviour =
  | { readonly type: 'well' }
  /** Nobody listens. */
  | { readonly type: 'down' }
  /** Each request waits first. */
  | { readonly type: 'slow'; readonly delayMs: number }
  | { readonly type: 'answers'; readonly status: number; readonly headers?: Readonly<Record<string, string>> };

/** Stands before a host on a port of its own, and lets it behave badly. Sees what goes by. */
export class FaultyProxy {
  readonly #upstream: URL;
  readonly #seen: (incoming: IncomingMessage) => void;
  #behaviour: Behaviour = { type: 'well' };
  #listening: Listening | undefined;
  #port = 0;
  /** Requests that met a fault. */
  struck = 0;

  private constructor(upstream: string, seen: (incoming: IncomingMessage) => void) {
    this.#upstream = new URL(upstream);
    this.#seen = seen;
  }

  static async before(
    upstream: string,
    seen: (incoming: IncomingMessage) => void = () => undefined,
  ): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(upstream, seen);
    await proxy.#listen();
    return proxy;
  }

  /** The address of the host as it is behind the proxy: same paths. */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async behave(behaviour: Behaviour): Promise<void> {
    this.#behaviour = behaviour;
    if (behaviour.type === 'down') {
      await this.#listening?.close();
      this.#listening = undefined;
    } else if (this.#listening === undefined) await this.#listen();
  }

  async close(): Promise<void> {
    await this.#listening?.close();
  }

  async #listen(): Promise<void> {
    this.#listening = await listening(
      createServer((incoming, outgoing) => this.#pass(incoming, outgoing)),
      { port: this.#port },
    );
    this.#port = this.#listening.port;
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.#seen(incoming);
    const behaviour = this.#behaviour;
    if (behaviour.type !== 'well') this.struck += 1;
    if (behaviour.type === 'answers') {
      incoming.resume();
      outgoing.writeHead(behaviour.status, { 'content-type': 'application/json', ...behaviour.headers });
      outgoing.end(JSON.stringify({ message: `It behaves badly: ${behaviour.status}` }));
    } else if (behaviour.type === 'slow') setTimeout(() => this.#forward(incoming, outgoing), behaviour.delayMs);
    else this.#forward(incoming, outgoing);
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { host: _, ...headers } = incoming.headers;
    const { hostname, port, host } = this.#upstream;
    const sent = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers: { ...headers, host } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    sent.once('error', () => outgoing.destroy());
    outgoing.once('close', () => sent.destroy());
    incoming.pipe(sent);
  }
}
