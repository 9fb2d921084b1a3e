import type { HostEvent, RepositoryRef } from '../../engine/core/trigger.ts';
import type { RunList } from '../../engine/ports/run-list.ts';
import type { RunChange, RunLoop } from '../../engine/run-loop.ts';
import type { Installations, Stop } from './installations.ts';

type KnownEvent = Exclude<HostEvent, { type: 'ignored' }>;

const maxOpenRuns = 100_000;
const shownAgain = 200;

/** Makes Slipway work only where it is let in: runs of a suspended installation end, and its events start nothing. */
export class FollowInstallations {
  readonly #installations: Installations;
  readonly #runs: RunList;
  readonly #loop: RunLoop;
  readonly #show: (change: RunChange) => void;

  constructor(parts: {
    readonly installations: Installations;
    readonly runs: RunList;
    readonly loop: RunLoop;
    /** Shows a run's state at the host, once more. */
    readonly show: (change: RunChange) => void;
  }) {
    this.#installations = parts.installations;
    this.#runs = parts.runs;
    this.#loop = parts.loop;
    this.#show = parts.show;
  }

  /** @returns what came of it; undefined: the event is somebody else's, and may be followed */
  async handle(event: KnownEvent): Promise<{ readonly ignoredBecause?: string } | undefined> {
    if (event.type === 'installation') {
      for (const stop of await this.#installations.apply(event)) await this.#cancel(stop);
      if (event.change.type === 'unsuspended') await this.#showAgain(event.tenant);
      return {};
    }
    const repository = repositoryOf(event);
    await this.#installations.saw(repository);
    const why = this.#installations.whyNot(repository);
    return why === undefined ? undefined : { ignoredBecause: why };
  }

  async #cancel({ tenant, repositoryId, reason }: Stop): Promise<void> {
    for (const run of await this.#runs.find({ hasEnded: false }, { limit: maxOpenRuns })) {
      if (run.tenant !== tenant || (repositoryId !== undefined && run.repositoryId !== repositoryId)) continue;
      await this.#loop.send(run.runId, { type: 'CancelRun', by: 'slipway', reason });
    }
  }

  /** What ended while nothing could be written there still says that it runs. */
  async #showAgain(tenant: string): Promise<void> {
    const recent = await this.#runs.find({}, { limit: shownAgain });
    for (const { runId } of recent.filter((run) => run.tenant === tenant)) {
      const change = await this.#loop.runAt(runId, Number.MAX_SAFE_INTEGER);
      if (change !== undefined) this.#show(change);
    }
  }
}

function repositoryOf(event: Exclude<KnownEvent, { type: 'installation' }>): RepositoryRef {
  if (event.type === 'trigger') return event.trigger.repository;
  return event.type === 'incomplete' ? event.known.repository : event.repository;
}
