import { consentButton, consentCheck, mistakesCheck } from '../../checks/check-run.ts';
import type { Run } from '../../engine/core/run.ts';
import type { HostEvent } from '../../engine/core/trigger.ts';
import type { RunList } from '../../engine/ports/run-list.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { GitHost, PullRequest } from '../../providers/git-host.ts';
import { triggerOf } from '../intake/complete-trigger.ts';
import type { StartRun } from '../intake/start-run.ts';
import type { Audit } from '../steering/audit.ts';
import type { ForkRequests } from '../steering/fork-requests.ts';
import { type Answer, denied, done, refused } from './answer.ts';
import { consent } from './consent.ts';
import { rightOf } from './rights.ts';
import { retryStages } from './steer.ts';

export type Pressed = Extract<HostEvent, { type: 'rerun' }>;

/**
 * Answers the buttons on checks: the host's "re-run", and our own. Whoever presses needs the same rights as for a command.
 * Only a run of the repository that the check stands in is ever found.
 */
export class PressButton {
  readonly #parts: {
    readonly loop: RunLoop;
    readonly runs: RunList;
    readonly start: StartRun;
    readonly requests: ForkRequests;
    readonly audit: Audit;
    readonly hosts: (provider: string) => GitHost;
  };

  constructor(parts: {
    readonly loop: RunLoop;
    readonly runs: RunList;
    readonly start: StartRun;
    readonly requests: ForkRequests;
    readonly audit: Audit;
    readonly hosts: (provider: string) => GitHost;
  }) {
    this.#parts = parts;
  }

  /** @throws GitHostError when the host cannot be asked: nothing was allowed then, and it is tried again */
  async press(event: Pressed, key: string): Promise<{ readonly ignoredBecause?: string }> {
    const { repository, headSha, by, button, checkId } = event;
    const answer = await this.#answer(event, key);
    const facts = {
      headSha: answer.headSha ?? headSha,
      ...(answer.runId === undefined ? {} : { runId: answer.runId }),
    };
    await this.#parts.audit.record(`${key}/${answer.outcome}/${answer.why}`, repository, {
      who: by,
      what: `button "${(button ?? 're-run').slice(0, 20)}" on ${checkId === undefined ? 'all checks' : 'a check'}`,
      outcome: answer.outcome,
      why: answer.why,
      ...facts,
    });
    return answer.outcome === 'done' ? {} : { ignoredBecause: answer.why };
  }

  async #answer(event: Pressed, key: string): Promise<Answer> {
    const { repository, by, checkId, button } = event;
    const host = this.#parts.hosts(repository.provider);
    if (button !== undefined && button !== consentButton) return refused('There is no such button');
    if (button === consentButton || checkId === consentCheck) return this.#consent(event, host, key);
    const right = await rightOf(host, repository, by, [], 'Running again');
    if (!right.may) return denied(right.why);
    if (checkId === mistakesCheck) return this.#planAgain(event, host, key);
    const [runId, stage] = checkId?.split(/\/(.*)/s) ?? [];
    const run = await this.#runOf(event, runId);
    if (run === undefined) return refused('no run of that commit is known');
    return retryStages({ host, repository, by, run, stages: stage === undefined ? 'all' : [stage] }, this.#parts);
  }

  /** Our own button alone consents: running again never implies it. */
  async #consent({ repository, headSha, by, button, stoodAt }: Pressed, host: GitHost, key: string): Promise<Answer> {
    if (button === undefined || stoodAt === undefined)
      return refused('Running again lets no fork go: press the button for that, or say it');
    const pull = await pullAt(host, { repository, headSha });
    if (pull === undefined) return refused('It is the head of no open pull request any more');
    return consent({ repository, number: pull.number, by, key, pull, host }, headSha, stoodAt, this.#parts);
  }

  /** What was wrong in a pipeline file may stand in the base branch, and be mended there. */
  async #planAgain({ repository, headSha, by }: Pressed, host: GitHost, key: string): Promise<Answer> {
    const pull = await pullAt(host, { repository, headSha });
    if (pull === undefined) return refused('It is the head of no open pull request: push again');
    const trigger = triggerOf(pull, {
      repository,
      actor: by,
      defaultBranch: await host.defaultBranch(repository),
      action: 'updated',
    });
    const started = await this.#parts.start.start(trigger, key);
    return started.outcome === 'run'
      ? done('planned it again', { runId: started.runId })
      : refused(started.outcome === 'ignored' ? started.because : 'The pipeline file has mistakes still');
  }

  async #runOf({ repository, headSha }: Pressed, runId: string | undefined): Promise<Run | undefined> {
    const { loop, runs } = this.#parts;
    const newest = async () =>
      (await runs.find({ repositoryId: repository.id, headSha }, { limit: 20 })).find(
        ({ tenant }) => tenant === repository.tenant,
      )?.runId;
    const id = runId ?? (await newest());
    const run = id === undefined ? undefined : (await loop.runAt(id, Number.MAX_SAFE_INTEGER))?.run;
    const isOurs = run?.repository.tenant === repository.tenant && run.repository.id === repository.id;
    return isOurs ? run : undefined;
  }
}

/** Deliveries about a fork's commit name no pull request. */
async function pullAt(
  host: GitHost,
  { repository, headSha }: Pick<Pressed, 'repository' | 'headSha'>,
): Promise<PullRequest | undefined> {
  return (await host.openPullRequests(repository)).find((pull) => pull.headSha === headSha);
}
