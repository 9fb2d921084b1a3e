import { createServer, type Server, type ServerResponse } from 'node:http';
import { CoreV1Api, KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchPods } from '../../../engine/kubernetes/watch-pods.ts';

const relistMs = 40;

/** An API server whose watches tell what the test says, and nothing of what only its list shows. */
class Api {
  readonly pods = new Map<string, V1Pod>();
  readonly #watches = new Set<ServerResponse>();
  readonly #server: Server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url?.includes('watch=true') === true) {
      response.flushHeaders();
      this.#watches.add(response);
      return;
    }
    this.lists += 1;
    const items = [...this.pods.values()];
    const answer = () => response.end(JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '1' }, items }));
    if (this.holdLists === undefined) answer();
    else void this.holdLists.then(answer);
  });
  lists = 0;
  holdLists: Promise<void> | undefined;

  async config(): Promise<KubeConfig> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    const server = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'test', server, skipTLSVerify: true }, { name: 'test' });
    return config;
  }

  get watches(): number {
    return this.#watches.size;
  }

  tell(type: string, object: V1Pod): void {
    for (const watch of this.#watches) watch.write(`${JSON.stringify({ type, object })}\n`);
  }

  /** Ends all watches, as the API server does after a while. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end();
    this.#watches.clear();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function pod(version: string, phase: string): V1Pod {
  return { metadata: { namespace: 'one', name: 'pod', resourceVersion: version }, status: { phase } };
}

describe('the watch of pods', () => {
  let api: Api;
  let told: string[];
  let errors: unknown[];
  let mayAsk: boolean;
  let watching: { stop(): void };

  beforeEach(async () => {
    api = new Api();
    told = [];
    errors = [];
    mayAsk = true;
    const config = await api.config();
    const apply = config.applySecurityAuthentication.bind(config);
    config.applySecurityAuthentication = async (context) => {
      if (!mayAsk) throw new Error('no credentials');
      await apply(context);
    };
    const core = config.makeApiClient(CoreV1Api);
    api.pods.set('pod', pod('1', 'Running'));
    watching = watchPods({
      config,
      selector: 'slipway.dev/role=stage',
      list: () => core.listPodForAllNamespaces(),
      relistMs,
      onPod: ({ status }) => told.push(status?.phase ?? ''),
      onGone: () => told.push('gone'),
      onError: (error) => errors.push(error),
    });
    await vi.waitFor(() => expect(api.watches).toBe(1));
  });
  afterEach(async () => {
    watching.stop();
    await api.stop();
  });

  it('finds a change that no watch told', async () => {
    api.pods.set('pod', pod('2', 'Succeeded'));
    await vi.waitFor(() => expect(told).toContain('Succeeded'));
    expect(errors).toEqual([]);
  });

  it('finds that a pod is gone which no watch told, and tells it once', async () => {
    api.pods.clear();
    await vi.waitFor(() => expect(told).toContain('gone'));
    const { lists } = api;
    await vi.waitFor(() => expect(api.lists).toBeGreaterThan(lists + 2));
    expect(told.filter((state) => state === 'gone')).toHaveLength(1);
  });

  it('tells a pod again at times, so that a listener that failed may try again', async () => {
    await vi.waitFor(() => expect(told.filter((state) => state === 'Running').length).toBeGreaterThan(2));
  });

  it('does not let a list that took long put back what the watch told meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    api.holdLists = promise;
    const { lists } = api;
    await vi.waitFor(() => expect(api.lists).toBeGreaterThan(lists));
    api.tell('DELETED', pod('3', 'Succeeded'));
    await vi.waitFor(() => expect(told.at(-1)).toBe('gone'));
    api.pods.clear();
    api.holdLists = undefined;
    resolve();
    const after = api.lists;
    await vi.waitFor(() => expect(api.lists).toBeGreaterThan(after));
    expect(told.at(-1)).toBe('gone');
  });

  it('goes on looking after the cluster did not answer', async () => {
    const { lists } = api;
    await vi.waitFor(() => expect(api.lists).toBeGreaterThan(lists));
    api.pods.set('bad', { metadata: { namespace: 'one', name: 'other', resourceVersion: '9' } });
    await vi.waitFor(() => expect(told).toContain(''));
  });

  it('goes on after credentials could not be had when it began again, and the process lives', async () => {
    mayAsk = false;
    api.endWatches();
    await vi.waitFor(() => expect(errors.map(String)).toContainEqual(expect.stringContaining('no credentials')), 5_000);
    mayAsk = true;
    await vi.waitFor(() => expect(api.watches).toBe(1), 5_000);
    api.tell('MODIFIED', pod('2', 'Succeeded'));
    await vi.waitFor(() => expect(told).toContain('Succeeded'));
  });
});
