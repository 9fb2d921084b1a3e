import { z } from 'zod';
import type { CheckConclusion, CheckRun, PublishesChecks } from '../git-host.ts';
import { isAnswer } from '../host-fault.ts';
import type { GiteaSession } from './session.ts';

const maxChars = 255;

type State = 'pending' | 'success' | 'failure' | 'error' | 'skipped';

const conclusions = {
  success: 'success',
  // A `warning` would make the commit's combined state a failure.
  neutral: 'success',
  skipped: 'skipped',
  failure: 'failure',
  timed_out: 'failure',
  cancelled: 'error',
  // It waits for a person, and must not let the pull request pass meanwhile.
  action_required: 'pending',
} as const satisfies Record<CheckConclusion, State>;

/** Commit statuses: the newest of a name counts. Title and link stand in it, everything else in the comment. */
export function checks(session: GiteaSession): PublishesChecks {
  return {
    publishCheck: (repository, headSha, check) =>
      session.call(`Publishing check "${check.name}"`, repository, async (api, at) => {
        const context = cut(check.name);
        try {
          await api.ask(z.object({}), 'POST', [...at, 'statuses', headSha], {
            body: {
              state: stateOf(check),
              context,
              description: cut(check.title),
              ...(check.detailsUrl === undefined ? {} : { target_url: check.detailsUrl }),
            },
          });
        } catch (error) {
          // A commit that is not there is a fault within Gitea to it.
          if (isAnswer(error, 500)) await api.ask(z.object({}), 'GET', [...at, 'git', 'commits', headSha]);
          throw error;
        }
        // Each has an id of its own, even of the same name; what is found again is the name.
        return context;
      }),
  };
}

function stateOf({ state }: CheckRun): State {
  return state.status === 'completed' ? conclusions[state.conclusion] : 'pending';
}

/** Short enough for a line, and with no character cut in half. */
function cut(text: string): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
