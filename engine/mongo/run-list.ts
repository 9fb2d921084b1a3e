import { type Run, runStatus } from '../core/run.ts';
import type { Trigger } from '../core/trigger.ts';
import { type Database, isDuplicateKey } from '../ports/database.ts';
import type { RunList, RunSummary } from '../ports/run-list.ts';

type StoredSummary = Omit<RunSummary, 'runId'> & {
  readonly _id: string;
  /** It ended, and its host may not show that yet. */
  readonly isUnshown?: true;
};

/** @returns the list, with its indexes made */
export async function mongoRunList(database: Database): Promise<RunList> {
  const runs = database.collection<StoredSummary>('runs');
  await runs.createIndex({ hasEnded: 1, createdAt: -1 });
  await runs.createIndex({ repositoryId: 1, createdAt: -1 });
  await runs.createIndex({ createdAt: -1 });
  await runs.createIndex({ isUnshown: 1 }, { sparse: true });

  async function replace(older: { readonly $lt: number } | { readonly $lte: number }, summary: StoredSummary) {
    const { _id, ...rest } = summary;
    try {
      await runs.replaceOne({ _id, version: older }, rest, { upsert: true });
    } catch (error) {
      // The upsert found no older version and hit the newer one that is there: nothing to do.
      if (!isDuplicateKey(error)) throw error;
    }
  }

  return {
    async save(run, version) {
      const isShownSomewhere = run.repository.provider !== 'local';
      const mark = run.outcome !== undefined && isShownSomewhere ? { isUnshown: true as const } : {};
      await replace({ $lt: version }, { ...summarize(run, version), ...mark });
    },
    async restore(run, version) {
      await replace({ $lte: version }, summarize(run, version));
    },
    async markShown(runId) {
      await runs.updateOne({ _id: runId, hasEnded: true }, { $unset: { isUnshown: '' } });
    },
    async unshown(limit) {
      const found = await runs.find({ isUnshown: true }).limit(limit).toArray();
      return found.map(({ _id }) => _id);
    },
    async find(filter, { limit }) {
      const found = await runs
        .find({ ...filter })
        .sort({ createdAt: -1 })
        .limit(limit)
        .toArray();
      return found.map(({ _id, isUnshown: _, ...summary }) => ({ runId: _id, ...summary }));
    },
    async idsByPrefix(prefix) {
      const found = await runs
        .find({ _id: { $gte: prefix, $lt: `${prefix}~` } })
        .limit(2)
        .toArray();
      return found.map(({ _id }) => _id);
    },
  };
}

function summarize(run: Run, version: number): StoredSummary {
  const { trigger } = run;
  const number = numberOf(trigger);
  return {
    _id: run.runId,
    version,
    provider: run.repository.provider,
    tenant: run.repository.tenant,
    repository: `${run.repository.owner}/${run.repository.name}`,
    repositoryId: run.repository.id,
    trigger: trigger.type,
    ref: refOf(trigger),
    ...(number === undefined ? {} : { number }),
    headSha: trigger.headSha,
    title: trigger.title,
    actor: trigger.actor.login,
    lane: run.lane,
    team: run.team,
    status: runStatus(run),
    hasEnded: run.outcome !== undefined,
    createdAt: run.createdAt,
    ...(run.endedAt === undefined ? {} : { endedAt: run.endedAt }),
    stages: run.plan.stages.map((stage) => {
      const state = run.stages[stage.name];
      return {
        name: stage.name,
        status: state?.status ?? 'waiting',
        ...(state !== undefined && 'durationMs' in state ? { durationMs: state.durationMs } : {}),
      };
    }),
  };
}

/** Of the pull request that a run is about, or whose merge it is. */
function numberOf(trigger: Trigger): number | undefined {
  if (trigger.type === 'pull_request') return trigger.number;
  return trigger.type === 'push' ? trigger.pullRequest?.number : undefined;
}

/** Branch or tag that a trigger speaks of; a pull request's head branch. */
function refOf(trigger: Trigger): string {
  switch (trigger.type) {
    case 'push':
    case 'manual':
    case 'schedule':
      return trigger.branch;
    case 'tag':
      return trigger.tag;
    case 'pull_request':
    case 'merge_group':
      return trigger.headRef;
  }
}
