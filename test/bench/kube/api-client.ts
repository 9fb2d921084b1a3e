import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent } from 'undici';
import { z } from 'zod';

/** What the benchmark reads of a pod. */
const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.object({ serviceAccountName: z.string().default('default') }),
  status: z.object({ phase: z.string().default('Pending') }),
});
export type Pod = z.infer<typeof podSchema>;

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: podSchema }),
  z.object({ type: z.literal('ERROR'), object: z.unknown() }),
]);
const listSchema = z.object({ items: z.array(podSchema), metadata: z.object({ resourceVersion: z.string() }) });
export type PodEvent = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Pod };

type Method = 'GET' | 'POST' | 'DELETE' | 'PATCH';

/** The benchmark's own way to the API server: no client library, so that the floor holds nothing of one. */
export class ApiClient {
  readonly #origin: string;
  readonly #agent: Agent;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(config: KubeConfig) {
    const cluster = config.getCurrentCluster();
    const user = config.getCurrentUser();
    const pem = (data: string | undefined, file: string | undefined) =>
      data === undefined ? (file === undefined ? undefined : readFileSync(file)) : Buffer.from(data, 'base64');
    const ca = pem(cluster?.caData, cluster?.caFile);
    const cert = pem(user?.certData, user?.certFile);
    const key = pem(user?.keyData, user?.keyFile);
    this.#origin = cluster?.server ?? '';
    // One connection for all would be the floor of HTTP/2's flow control, not of the cluster.
    this.#agent = new Agent({
      allowH2: false,
      connect: {
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      },
    });
    this.#headers = user?.token === undefined ? {} : { authorization: `Bearer ${user.token}` };
  }

  /** @returns the answer's status and text, whatever the status */
  async ask(method: Method, path: string, body?: unknown) {
    const { statusCode, body: answer } = await this.#agent.request({
      origin: this.#origin,
      path,
      method,
      headers: {
        ...this.#headers,
        ...(body === undefined
          ? {}
          : { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headersTimeout: 60_000,
    });
    return { status: statusCode, text: await answer.text() };
  }

  /** @throws Error for any other status than those */
  async must(method: Method, path: string, body?: unknown, also: readonly number[] = []) {
    const { status, text } = await this.ask(method, path, body);
    if (status >= 300 && !also.includes(status)) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`);
    return text;
  }

  /** Tells all pods there are, and each change, until stopped. */
  async watchPods(selector: string, onEvent: (event: PodEvent) => void): Promise<{ stop(): void }> {
    const ended = new AbortController();
    const path = `/api/v1/pods?labelSelector=${encodeURIComponent(selector)}`;
    const { items, metadata } = listSchema.parse(JSON.parse(await this.must('GET', path)));
    for (const object of items) onEvent({ type: 'ADDED', object });
    void this.#follow(path, metadata.resourceVersion, onEvent, ended.signal);
    return { stop: () => ended.abort() };
  }

  /** The API server cuts off who reads too slowly, and any watch after a while: it goes on where it was. */
  async #follow(path: string, from: string, onEvent: (event: PodEvent) => void, signal: AbortSignal): Promise<void> {
    let version = from;
    while (!signal.aborted) {
      const { statusCode, body } = await this.#agent.request({
        origin: this.#origin,
        path: `${path}&watch=true&resourceVersion=${version}`,
        method: 'GET',
        headers: this.#headers,
        bodyTimeout: 0,
      });
      if (statusCode !== 200) throw new Error(`Watching pods: ${statusCode} ${await body.text()}`);
      const lines = createInterface(body);
      const closed = new Promise((resolve) => lines.once('close', resolve));
      for (const part of [body, lines]) part.on('error', () => lines.close());
      signal.addEventListener('abort', () => body.destroy(), { once: true });
      lines.on('line', (line) => {
        if (signal.aborted) return;
        const event = eventSchema.parse(JSON.parse(line));
        if (event.type === 'ERROR') throw new Error(`Watching pods: ${line}`);
        version = event.object.metadata.resourceVersion;
        onEvent(event);
      });
      await closed;
    }
  }
}
