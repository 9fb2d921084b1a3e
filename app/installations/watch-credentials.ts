import type { Logger } from 'pino';
import type { Clock } from '../../engine/ports/clock.ts';
import type { CredentialReport } from '../../providers/git-host-credentials.ts';
import { GitHostError } from '../../providers/git-host-error.ts';
import type { GitHostSetup } from '../../providers/git-host-setup.ts';
import { daysLeft, isExpiringNow, isExpiringSoon } from './expiry.ts';
import type { GitHostsInUse } from './git-hosts-in-use.ts';
import type { StoredGitHosts } from './stored-git-hosts.ts';

/**
 * Looks at what Slipway proves itself with at hosts. What ends soon is traded for a new one where the host does that and
 * Slipway keeps the old one itself; else it is told in the log, more loudly the nearer the end is.
 */
export class WatchCredentials {
  readonly #inUse: GitHostsInUse;
  readonly #stored: StoredGitHosts;
  readonly #clock: Clock;
  readonly #log: Logger;
  #looking: Promise<void> | undefined;
  #isStopped = false;

  constructor(parts: {
    readonly gitHosts: { readonly inUse: GitHostsInUse; readonly stored: StoredGitHosts };
    readonly clock: Clock;
    readonly log: Logger;
  }) {
    this.#inUse = parts.gitHosts.inUse;
    this.#stored = parts.gitHosts.stored;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** One at a time: a host takes a token that is renewed twice for stolen, and ends all that came of it. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** What is being renewed is kept first: nothing else holds it any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    // Whoever began it hears of its failure.
    await Promise.allSettled([this.#looking]);
  }

  async #look(): Promise<void> {
    for (const provider of this.#inUse.providers()) {
      const setup = this.#inUse.setup(provider);
      if (setup === undefined) continue;
      for (const report of await setup.credentials(() => this.#clock.now()).examine()) {
        for (const { severity, why, fix } of report.faults)
          this.#log[severity === 'broken' ? 'error' : 'warn'](
            { provider, credential: report.name, why, fix },
            'A credential of a Git host does not work as it should',
          );
        if (report.expiresAt === undefined || !isExpiringSoon(report.expiresAt, this.#clock.now())) continue;
        if (!(await this.#renewed(setup, report.name))) this.#warn(provider, report, report.expiresAt);
      }
    }
  }

  /** Whether a new one is in use now. */
  async #renewed(setup: GitHostSetup, name: string): Promise<boolean> {
    const { provider } = setup;
    const before = this.#inUse.from(provider) === 'stored' ? await this.#stored.find(provider) : undefined;
    const { renew } = setup.credentials(() => this.#clock.now());
    if (before === undefined || renew === undefined || this.#isStopped) return false;
    const settings = await before.settings();
    let changed: Readonly<Record<string, string>>;
    try {
      changed = await renew([name]);
    } catch (error) {
      if (!(error instanceof GitHostError)) throw error;
      this.#log.warn({ provider, credential: name, why: error.why }, 'The host does not renew this credential');
      return false;
    }
    // The old one is worth nothing from here on: nothing may stand between this and the answer.
    await this.#stored.save({ provider, url: before.url, settings: { ...settings, ...changed }, by: 'renewal' });
    await this.#inUse.refresh();
    this.#log.info({ provider, credential: name }, 'A credential that ended soon was renewed');
    return true;
  }

  #warn(provider: string, { name }: CredentialReport, expiresAt: Date): void {
    const now = this.#clock.now();
    this.#log[isExpiringNow(expiresAt, now) ? 'error' : 'warn'](
      {
        provider,
        credential: name,
        endsOn: expiresAt.toISOString().slice(0, 10),
        daysLeft: daysLeft(expiresAt, now),
        fix: `Make a new one, and give it by \`slipway connect ${provider} ...\` or as ${name}`,
      },
      'A credential of a Git host ends soon; from then on nothing works there any more',
    );
  }
}
