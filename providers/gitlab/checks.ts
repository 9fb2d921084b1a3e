import type { Sha } from '../../engine/core/trigger.ts';
import type { CheckConclusion, CheckRun, PublishesChecks } from '../git-host.ts';
import { isAnswer } from '../host-fault.ts';
import type { GitLabApi, GitLabSession } from './session.ts';

const maxChars = 255;
/** The id of a status that could not be. */
const noneHere = 'none';

type State = 'pending' | 'running' | 'success' | 'failed' | 'canceled';

const conclusions = {
  success: 'success',
  neutral: 'success',
  skipped: 'success',
  failure: 'failed',
  timed_out: 'failed',
  cancelled: 'canceled',
  // It waits for a person, and must not let the merge request pass meanwhile.
  action_required: 'pending',
} as const satisfies Record<CheckConclusion, State>;

/** Commit statuses: one per name; title and link stand in it, everything else in the comment. */
export function checks(session: GitLabSession): PublishesChecks {
  const lines = new Map<string, Promise<unknown>>();

  /** One at a time per commit: GitLab answers 409 to statuses that come side by side. */
  function inLine<T>(key: string, work: () => Promise<T>): Promise<T> {
    const next = (lines.get(key) ?? Promise.resolve()).then(work);
    // Who asked hears of a failure; those behind it only wait until it is over.
    const settled = next.catch(() => undefined);
    lines.set(key, settled);
    void settled.then(() => {
      if (lines.get(key) === settled) lines.delete(key);
    });
    return next;
  }

  return {
    publishCheck: (repository, headSha, check) =>
      session.call(`Publishing check "${check.name}"`, repository, (api, projectId) =>
        inLine(`${projectId} ${headSha}`, () => publish(api, projectId, headSha, check)),
      ),
  };
}

async function publish(api: GitLabApi, projectId: string, headSha: Sha, check: CheckRun): Promise<string> {
  const name = cut(check.name);
  const wanted = stateOf(check);
  // A status outside the commit's pipeline would open a second one beside it.
  const pipelineId = (await api.Commits.show(projectId, headSha)).last_pipeline?.id;
  try {
    const { id } = await api.Commits.editStatus(projectId, headSha, wanted, {
      name,
      description: cut(check.title),
      ...(check.detailsUrl === undefined || check.detailsUrl.length > maxChars ? {} : { targetUrl: check.detailsUrl }),
      ...(pipelineId === undefined ? {} : { pipelineId }),
    });
    return String(id);
  } catch (error) {
    // No branch here holds it: a fork's commit, on which the bot has no rights.
    if (isAnswer(error, 404, /references for commit/i)) return noneHere;
    if (!isAnswer(error, 400, /cannot transition/i)) throw error;
    // A status may not be set to what it is already. Where it runs, it need not be told that it waits.
    const [shown] = (await api.Commits.allStatuses(projectId, headSha, { name }))
      .filter((each) => each.name === name)
      .sort((one, other) => other.id - one.id);
    if (shown === undefined) throw error;
    if (shown.status !== wanted && !(wanted === 'pending' && shown.status === 'running')) throw error;
    return String(shown.id);
  }
}

function stateOf({ state }: CheckRun): State {
  if (state.status === 'completed') return conclusions[state.conclusion];
  return state.status === 'in_progress' ? 'running' : 'pending';
}

/** Within GitLab's limit, and with no character cut in half. */
function cut(text: string): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
