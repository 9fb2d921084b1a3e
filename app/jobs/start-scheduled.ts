import { CronExpressionParser } from 'cron-parser';
import type { Pipeline } from '../../engine/core/pipeline.ts';
import type { RepositoryRef, ScheduleTrigger } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { GitHost } from '../../providers/git-host.ts';

/** A cron line of a repository's default branch. */
interface StoredSchedule {
  readonly _id: string;
  readonly repository: RepositoryRef;
  readonly repositoryKey: string;
  readonly branch: string;
  readonly cron: string;
  readonly nextAt: Date;
}

const batch = 100;

/** Starts the runs that pipelines ask for by `on: schedule`. After a pause each line gets one run, not one for each time missed. */
export class Schedules {
  readonly #schedules;
  readonly #clock: Clock;
  readonly #hosts: (provider: string) => GitHost;
  readonly #start: (trigger: ScheduleTrigger, key: string) => Promise<unknown>;
  readonly #onError: (error: unknown) => void;

  constructor(parts: {
    readonly database: Database;
    readonly clock: Clock;
    readonly hosts: (provider: string) => GitHost;
    /** Starts a run; the same key gives the same run. */
    readonly start: (trigger: ScheduleTrigger, key: string) => Promise<unknown>;
    readonly onError: (error: unknown) => void;
  }) {
    this.#schedules = parts.database.collection<StoredSchedule>('schedules');
    this.#clock = parts.clock;
    this.#hosts = parts.hosts;
    this.#start = parts.start;
    this.#onError = parts.onError;
  }

  async prepare(): Promise<void> {
    await this.#schedules.createIndex({ nextAt: 1 });
    await this.#schedules.createIndex({ repositoryKey: 1 });
  }

  /** Takes over the cron lines that the default branch has now. A line that stays keeps its next time. */
  async follow(repository: RepositoryRef, branch: string, { on }: Pipeline): Promise<void> {
    const repositoryKey = `${repository.tenant}/${repository.id}`;
    const wanted = new Set(on.flatMap(({ event, cron }) => (event === 'schedule' && cron !== undefined ? [cron] : [])));
    for (const known of await this.#schedules.find({ repositoryKey }).toArray()) {
      if (wanted.has(known.cron) && known.branch === branch) wanted.delete(known.cron);
      else await this.#schedules.deleteOne({ _id: known._id });
    }
    for (const cron of wanted) {
      const _id = `${repositoryKey}/${cron}`;
      const nextAt = nextTime(cron, this.#clock.now());
      if (nextAt === undefined) continue;
      await this.#schedules.replaceOne({ _id }, { repository, repositoryKey, branch, cron, nextAt }, { upsert: true });
    }
  }

  /** Starts what is due. Doing it twice, or in two replicas at once, starts nothing twice. */
  async startDue(): Promise<void> {
    const now = this.#clock.now();
    const due = await this.#schedules
      .find({ nextAt: { $lte: now } })
      .sort({ nextAt: 1 })
      .limit(batch)
      .toArray();
    for (const schedule of due) {
      // One repository that cannot be reached holds up no other; it is due again at the next look.
      await this.#startOne(schedule, now).catch(this.#onError);
    }
  }

  async #startOne({ _id, repository, branch, cron, nextAt }: StoredSchedule, now: Date): Promise<void> {
    const headSha = await this.#hosts(repository.provider).branchHead(repository, branch);
    if (headSha === undefined) {
      await this.#schedules.deleteOne({ _id });
      return;
    }
    const trigger: ScheduleTrigger = {
      type: 'schedule',
      repository,
      defaultBranch: branch,
      branch,
      schedule: cron,
      headSha,
      actor: { login: 'schedule', id: 'schedule' },
      title: `Scheduled by ${cron}`,
    };
    await this.#start(trigger, `schedule:${_id}:${nextAt.toISOString()}`);
    const next = nextTime(cron, now);
    if (next === undefined) await this.#schedules.deleteOne({ _id });
    else await this.#schedules.updateOne({ _id, nextAt }, { $set: { nextAt: next } });
  }
}

/** The first time after `after` that a cron line names, in UTC; undefined for one that never comes, as 31 February. */
export function nextTime(cron: string, after: Date): Date | undefined {
  try {
    return CronExpressionParser.parse(cron, { currentDate: after, tz: 'UTC' }).next().toDate();
  } catch {
    return undefined; // the library's way to say never: the line itself was parsed with the pipeline file
  }
}
