import { createHmac, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { PreparedSource } from './prepared-source.ts';

/** A commit that stands ready to be announced. */
export interface PreparedCommit {
  readonly repository: { readonly id: number; readonly name: string };
  readonly branch: string;
  /** Where the branch stood before. */
  readonly before: string;
  readonly sha: string;
  readonly deliveryId: string;
}

/** A pull request that is merged as that commit: who labels it a hotfix puts the merge on that lane. */
export interface PreparedMerge extends PreparedCommit {
  readonly number: number;
  /** Of the pull request. */
  readonly headSha: string;
}

export interface PreparedHostOptions {
  /** Where the commits are, for agents that fetch them; without it nobody fetches. */
  readonly source?: PreparedSource;
  /** Of this machine, as agents reach it. */
  readonly address?: string;
}

/** What a GitHub answers to a Slipway whose commits are prepared: one pipeline file for all of them, and checks taken. */
export class PreparedHost {
  readonly secret = randomBytes(24).toString('hex');
  readonly privateKey = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  readonly #server: Server;
  /** Where each branch stands, by `<repository>/<branch>`. */
  readonly #tips = new Map<string, string>();
  readonly #merges: PreparedMerge[] = [];
  #checks = 0;

  readonly #source: PreparedSource | undefined;
  readonly #address: string;

  private constructor(pipeline: string, { source, address = '127.0.0.1' }: PreparedHostOptions) {
    this.#source = source;
    this.#address = address;
    this.#server = createServer((request, response) => {
      if (source?.answer(request, response) === true) return;
      request.resume().on('end', () => {
        const { status, type, body } = this.#answer(request.method, request.url ?? '', pipeline);
        response.writeHead(status, { 'content-type': type }).end(body);
      });
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  static async start(pipeline: string, options: PreparedHostOptions = {}): Promise<PreparedHost> {
    const host = new PreparedHost(pipeline, options);
    await new Promise<void>((resolve) => host.#server.listen(0, host.#address, resolve));
    return host;
  }

  get apiUrl(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('The prepared host does not listen');
    return `http://${this.#address}:${address.port}`;
  }

  /** The next commit of a branch, in as many repositories: one that a later push overtook would rightly start nothing. */
  commits(count: number, branch: string): readonly PreparedCommit[] {
    return Array.from({ length: count }, (_, index) => {
      const name = `service-${index + 1}`;
      const before = this.#tips.get(`${name}/${branch}`) ?? '0'.repeat(40);
      const sha = this.#source?.commit() ?? randomBytes(20).toString('hex');
      this.#tips.set(`${name}/${branch}`, sha);
      return { repository: { id: index + 1, name }, branch, before, sha, deliveryId: randomUUID() };
    });
  }

  /** A merge to the default branch of a repository of its own. */
  merge(branch: string): PreparedMerge {
    const repository = { id: 100_000 + this.#merges.length, name: `urgent-${this.#merges.length}` };
    const [before = '', headSha = '', sha = ''] = Array.from({ length: 3 }, () => randomBytes(20).toString('hex'));
    const merge = { repository, branch, before, sha, deliveryId: randomUUID(), number: 1, headSha };
    this.#merges.push(merge);
    this.#tips.set(`${repository.name}/${branch}`, before);
    return merge;
  }

  /** Somebody who may write puts the label `hotfix` on the pull request, before it is merged. */
  async labelHotfix(url: string, merge: PreparedMerge): Promise<void> {
    await this.#post(url, 'pull_request', randomUUID(), {
      ...commonOf(merge),
      action: 'labeled',
      number: merge.number,
      label: { name: 'hotfix' },
      pull_request: pullOf(merge),
    });
  }

  /** Announces a commit as GitHub does. @returns when the delivery was acknowledged, by this process's clock */
  async deliver(url: string, commit: PreparedCommit): Promise<number> {
    const { repository, branch, before, sha, deliveryId } = commit;
    this.#tips.set(`${repository.name}/${branch}`, sha);
    await this.#post(url, 'push', deliveryId, {
      ...commonOf(commit),
      ref: `refs/heads/${branch}`,
      before,
      after: sha,
      created: false,
      deleted: false,
      forced: false,
      head_commit: { id: sha, message: 'Change' },
    });
    return Date.now();
  }

  async #post(url: string, event: string, deliveryId: string, facts: object): Promise<void> {
    const body = JSON.stringify(facts);
    const response = await fetch(`${url}/webhooks/github`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': event,
        'x-github-delivery': deliveryId,
        'x-hub-signature-256': `sha256=${createHmac('sha256', this.secret).update(body).digest('hex')}`,
      },
      body,
    });
    await response.arrayBuffer();
    if (response.status !== 202) throw new Error(`A delivery was answered ${response.status}`);
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
    if (url.endsWith('/permission')) return json({ permission: 'write' });
    const merge = this.#merges.find(
      ({ repository, number, sha }) =>
        url.startsWith(`/repos/acme/${repository.name}/pulls/${number}`) ||
        url.startsWith(`/repos/acme/${repository.name}/commits/${sha}/pulls`),
    );
    if (merge !== undefined) return json(url.includes('/commits/') ? [pullOf(merge)] : pullOf(merge));
    if (url.includes('/pulls')) return json([]);
    const [, repository, branch] = /^\/repos\/acme\/([^/]+)\/branches\/(.+)$/.exec(url) ?? [];
    if (branch !== undefined) {
      const sha = this.#tips.get(`${repository}/${decodeURIComponent(branch)}`);
      return sha === undefined ? json({ message: 'Not Found' }, 404) : json({ name: branch, commit: { sha } });
    }
    if (url.startsWith('/app/hook/deliveries')) return json([]);
    if (url === '/app') return json({ id: 1, slug: 'slipway' });
    return json({ message: 'Not Found' }, 404);
  }
}

function commonOf({ repository }: PreparedCommit) {
  return {
    installation: { id: 1 },
    repository: { ...repository, full_name: `acme/${repository.name}`, default_branch: 'main' },
    sender: { login: 'dev', id: 3 },
  };
}

function pullOf({ repository, branch, before, sha, number, headSha }: PreparedMerge) {
  return {
    number,
    title: 'Mend the checkout',
    state: 'closed',
    merged_at: new Date().toISOString(),
    merged: true,
    merge_commit_sha: sha,
    user: { login: 'dev', id: 3 },
    labels: [{ name: 'hotfix' }],
    head: { ref: 'mend-the-checkout', sha: headSha, repo: { id: repository.id } },
    base: { ref: branch, sha: before, repo: { id: repository.id } },
  };
}
