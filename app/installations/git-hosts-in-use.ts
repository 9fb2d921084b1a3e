import type { Logger } from 'pino';
import type { GitHost } from '../../providers/git-host.ts';
import type { GitHostSetup, Variables } from '../../providers/git-host-setup.ts';
import type { WebhookSource } from '../../providers/git-host-webhook.ts';
import type { StoredGitHosts } from './stored-git-hosts.ts';

interface InUse {
  readonly from: 'environment' | 'stored';
  /** Of what is stored; 0 for the environment's, which stays as it is. */
  readonly version: number;
  readonly host: GitHost;
  readonly source: WebhookSource;
  readonly setup: GitHostSetup;
}

/**
 * The Git hosts that Slipway serves now: those of the environment, and those that were set up since and are stored.
 * What is stored is taken into use without a restart, on each replica as soon as it looks.
 */
export class GitHostsInUse {
  readonly #fixed: readonly GitHostSetup[];
  readonly #stored: StoredGitHosts;
  readonly #setUp: (provider: string, settings: Variables) => GitHostSetup;
  readonly #guard: (host: GitHost) => GitHost;
  readonly #now: () => Date;
  readonly #log: Logger;
  readonly #hosts = new Map<string, InUse>();
  readonly #told = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(parts: {
    readonly fixed: readonly GitHostSetup[];
    readonly stored: StoredGitHosts;
    /** @throws when the settings cannot be used */
    readonly setUp: (provider: string, settings: Variables) => GitHostSetup;
    /** What stands before each host. */
    readonly guard: (host: GitHost) => GitHost;
    readonly now: () => Date;
    readonly log: Logger;
  }) {
    this.#fixed = parts.fixed;
    this.#stored = parts.stored;
    this.#setUp = parts.setUp;
    this.#guard = parts.guard;
    this.#now = parts.now;
    this.#log = parts.log;
  }

  async prepare(): Promise<void> {
    for (const each of this.#fixed) this.#hosts.set(each.provider, await this.#made(each, 'environment', 0));
    await this.refresh();
  }

  /** Looks again and again, until `stop`. */
  watch(everyMs: number, onError: (error: unknown) => void): void {
    this.#timer = setInterval(() => void this.refresh().catch(onError), everyMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    // Whoever asked for it hears of its failure.
    await Promise.allSettled([this.#refreshing]);
  }

  /** Looks at what is stored. One that cannot be used is told once for each version, and the others go on. */
  refresh(): Promise<void> {
    this.#refreshing = Promise.allSettled([this.#refreshing]).then(() => this.#refresh());
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const stored = await this.#stored.all();
    for (const { provider, version, settings } of stored) {
      const now = this.#hosts.get(provider);
      if (now?.from === 'environment') {
        this.#once(`${provider}/environment`, () =>
          this.#log.warn({ provider }, 'The environment sets this Git host up; what is stored for it is not used'),
        );
        continue;
      }
      if (now?.version === version) continue;
      try {
        this.#hosts.set(provider, await this.#made(this.#setUp(provider, await settings()), 'stored', version));
        this.#log.info({ provider, version }, 'A Git host was set up; it is in use from now on');
      } catch (error) {
        this.#once(`${provider}/${version}`, () =>
          this.#log.error(
            { provider, version, why: error instanceof Error ? error.message : 'unknown' },
            'A stored Git host cannot be used',
          ),
        );
      }
    }
    for (const [provider, { from }] of this.#hosts)
      if (from === 'stored' && !stored.some((each) => each.provider === provider)) this.#hosts.delete(provider);
  }

  /** @throws RangeError for one that is not set up */
  host(provider: string): GitHost {
    const found = this.#hosts.get(provider);
    if (found === undefined) throw new RangeError(`No Git host "${provider}" is set up`);
    return found.host;
  }

  source(provider: string): WebhookSource | undefined {
    return this.#hosts.get(provider)?.source;
  }

  /** Where its repositories are; undefined where that is a public address, or it is not set up. */
  url(provider: string): string | undefined {
    return this.#hosts.get(provider)?.setup.url;
  }

  setup(provider: string): GitHostSetup | undefined {
    return this.#hosts.get(provider)?.setup;
  }

  from(provider: string): 'environment' | 'stored' | undefined {
    return this.#hosts.get(provider)?.from;
  }

  hosts(): readonly GitHost[] {
    return [...this.#hosts.values()].map(({ host }) => host);
  }

  providers(): readonly string[] {
    return [...this.#hosts.keys()];
  }

  async #made(setup: GitHostSetup, from: InUse['from'], version: number): Promise<InUse> {
    return {
      from,
      version,
      host: this.#guard(await setup.createHost()),
      source: setup.webhooks(this.#now),
      setup,
    };
  }

  #once(key: string, tell: () => void): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    tell();
  }
}
