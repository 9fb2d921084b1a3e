import type { RepositoryRef } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { GitHost } from '../../providers/git-host.ts';
import type { Viewer } from './browser-session.ts';

/** A page that follows a run asks every few seconds; the host is asked no more often than this. */
const keptMs = 30_000;
const maxKept = 1_000;

/** Who may see runs of a repository: whoever may read it at its host, which is asked, and who runs Slipway. */
export class RunAccess {
  readonly #hosts: (provider: string) => GitHost;
  readonly #apiUrl: (provider: string) => string | undefined;
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly mayRead: boolean; readonly until: number }>();

  constructor(parts: {
    readonly hosts: (provider: string) => GitHost;
    /** Where a provider's API is now. */
    readonly apiUrl: (provider: string) => string | undefined;
    readonly clock: Clock;
  }) {
    this.#hosts = parts.hosts;
    this.#apiUrl = parts.apiUrl;
    this.#clock = parts.clock;
  }

  /** @throws GitHostError when the host cannot be asked: nothing is shown then */
  async mayRead(viewer: Viewer, repository: RepositoryRef): Promise<boolean> {
    if (viewer.type === 'operator') return true;
    // A login means something at its own host alone.
    if (viewer.provider !== repository.provider || viewer.host !== this.#apiUrl(viewer.provider)) return false;
    const key = JSON.stringify([viewer.host, viewer.login, repository.tenant, repository.id]);
    const now = this.#clock.now().getTime();
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.until > now) return kept.mayRead;
    const permission = await this.#hosts(repository.provider).permissionOf(repository, viewer.login);
    const mayRead = permission !== 'none';
    if (this.#kept.size >= maxKept) this.#kept.clear();
    this.#kept.set(key, { mayRead, until: now + keptMs });
    return mayRead;
  }
}
