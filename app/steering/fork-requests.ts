import type { PullRequestTrigger, RepositoryRef } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { PullRequest } from '../../providers/git-host.ts';

/** What somebody was asked to let go. */
interface StoredRequest {
  readonly _id: string;
  readonly headSha: string;
  readonly baseRef: string;
  /** When the same head came to stand otherwise: closed and opened again, or aimed at another branch. */
  readonly movedAt?: Date;
  readonly expiresAt: Date;
}

const keptMs = 90 * 24 * 3_600_000;
/** The host's clock and ours are not quite the same. */
const clockSlackMs = 2_000;

/** Remembers what consent was asked for, so that an answer to another state is told from one to this. */
export class ForkRequests {
  readonly #requests;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#requests = database.collection<StoredRequest>('fork-requests');
    this.#clock = clock;
  }

  /** Asked for, or asked for again because something moved. */
  async asked({ repository, number, headSha, baseRef, action }: PullRequestTrigger): Promise<void> {
    const _id = idOf(repository, number);
    const before = await this.#requests.findOne({ _id });
    const now = this.#clock.now();
    const isMoved =
      before !== null &&
      before.headSha === headSha &&
      (before.baseRef !== baseRef || action === 'opened' || action === 'closed');
    await this.#requests.replaceOne(
      { _id },
      {
        headSha,
        baseRef,
        ...(isMoved
          ? { movedAt: now }
          : before?.headSha === headSha && before.movedAt
            ? { movedAt: before.movedAt }
            : {}),
        expiresAt: new Date(now.getTime() + keptMs),
      },
      { upsert: true },
    );
  }

  /** What moved between the request and an answer to it, in words. */
  async movedSince(repository: RepositoryRef, pull: PullRequest, saidAt: Date): Promise<string | undefined> {
    const request = await this.#requests.findOne({ _id: idOf(repository, pull.number) });
    if (request === null || request.headSha !== pull.headSha) return 'The head moved';
    if (request.baseRef !== pull.baseRef) return `The base moved from ${request.baseRef} to ${pull.baseRef}`;
    const isOlder = request.movedAt !== undefined && saidAt.getTime() + clockSlackMs < request.movedAt.getTime();
    return isOlder ? 'The pull request was opened again or got another base' : undefined;
  }

  async expire(): Promise<number> {
    return (await this.#requests.deleteMany({ expiresAt: { $lte: this.#clock.now() } })).deletedCount;
  }
}

function idOf({ tenant, id }: RepositoryRef, number: number): string {
  return `${tenant}/${id}/${number}`;
}
