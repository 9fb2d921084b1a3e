import { createHmac, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';

/** A commit that stands ready to be announced. */
export interface PreparedCommit {
  readonly repository: { readonly id: number; readonly name: string };
  readonly branch: string;
  readonly sha: string;
  readonly deliveryId: string;
}

/** What a GitHub answers to a Slipway whose commits are prepared: one pipeline file for all of them, and checks taken. */
export class PreparedHost {
  readonly secret = randomBytes(24).toString('hex');
  readonly privateKey = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  readonly #server: Server;
  #checks = 0;

  private constructor(pipeline: string) {
    this.#server = createServer((request, response) => {
      request.resume().on('end', () => {
        const { status, type, body } = this.#answer(request.method, request.url ?? '', pipeline);
        response.writeHead(status, { 'content-type': type }).end(body);
      });
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  static async start(pipeline: string): Promise<PreparedHost> {
    const host = new PreparedHost(pipeline);
    await new Promise<void>((resolve) => host.#server.listen(0, '127.0.0.1', resolve));
    return host;
  }

  get apiUrl(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('The prepared host does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  commits(count: number, repositories: number, branch: string): readonly PreparedCommit[] {
    return Array.from({ length: count }, (_, index) => {
      const id = 1 + (index % repositories);
      const sha = randomBytes(20).toString('hex');
      return { repository: { id, name: `service-${id}` }, branch, sha, deliveryId: randomUUID() };
    });
  }

  /** Announces a commit as GitHub does. @returns when the delivery was acknowledged, by this process's clock */
  async deliver(url: string, { repository, branch, sha, deliveryId }: PreparedCommit): Promise<number> {
    const body = JSON.stringify({
      ref: `refs/heads/${branch}`,
      before: '0'.repeat(40),
      after: sha,
      created: false,
      deleted: false,
      forced: false,
      installation: { id: 1 },
      repository: { ...repository, full_name: `acme/${repository.name}`, default_branch: 'main' },
      sender: { login: 'dev', id: 3 },
      head_commit: { id: sha, message: 'Change' },
    });
    const response = await fetch(`${url}/webhooks/github`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': deliveryId,
        'x-hub-signature-256': `sha256=${createHmac('sha256', this.secret).update(body).digest('hex')}`,
      },
      body,
    });
    await response.arrayBuffer();
    if (response.status !== 202) throw new Error(`A delivery was answered ${response.status}`);
    return Date.now();
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(method: string | undefined, url: string, pipeline: string) {
    const json = (value: unknown, status = 200) => ({
      status,
      type: 'application/json',
      body: JSON.stringify(value),
    });
    if (url.includes('/contents/')) return { status: 200, type: 'text/plain', body: pipeline };
    if (url.endsWith('/access_tokens'))
      return json({ token: 'ghs_prepared', expires_at: new Date(Date.now() + 3_600_000).toISOString() }, 201);
    if (/\/check-runs(\/\d+)?$/.test(url) && method !== 'GET') {
      this.#checks += 1;
      return json({ id: Number(/\d+$/.exec(url)?.[0] ?? this.#checks) }, method === 'POST' ? 201 : 200);
    }
    if (url.includes('/check-runs')) return json({ total_count: 0, check_runs: [] });
    if (url.includes('/pulls')) return json([]);
    if (url.includes('/branches/')) return json({ name: 'main', commit: { sha: 'a'.repeat(40) } });
    if (url.startsWith('/app/hook/deliveries')) return json([]);
    if (url === '/app') return json({ id: 1, slug: 'slipway' });
    return json({ message: 'Not Found' }, 404);
  }
}
