import type { Command } from '../../checks/command.ts';
import { escaped } from '../../checks/markdown.ts';
import { environmentPolicy } from '../../engine/core/policy.ts';
import { type Run, stageState } from '../../engine/core/run.ts';
import type { Person, RepositoryRef } from '../../engine/core/trigger.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { GitHost } from '../../providers/git-host.ts';
import type { ForkRequests } from '../steering/fork-requests.ts';
import { type Answer, type Asked, denied, done, refused } from './answer.ts';
import { policyAt, type Right, rightOf } from './rights.ts';

interface Parts {
  readonly loop: RunLoop;
  readonly requests: ForkRequests;
}

/** `/test`, `/retry`, `/cancel`: the run of this head alone. @param run undefined: there is none, as `noRun` says */
export async function steer(
  asked: Asked,
  command: Extract<Command, { name: 'test' | 'retry' | 'cancel' }>,
  run: Run | undefined,
  noRun: string,
  parts: Parts,
): Promise<Answer> {
  const { host, repository, by } = asked;
  const right = await rightOf(host, repository, by, [], `/${command.name}`);
  if (!right.may) return denied(escaped(right.why));
  if (run === undefined) return { outcome: 'refused', why: 'no run of this head', text: noRun };
  if (command.name !== 'cancel') {
    const stages = command.stage === undefined ? 'failed' : [command.stage];
    return retryStages({ host, repository, by, run, stages }, parts);
  }
  const sent = await parts.loop.send(run.runId, { type: 'CancelRun', by, reason: `cancelled by ${by.login}` });
  const facts = { runId: run.runId, headSha: run.trigger.headSha };
  return sent.ok ? done('cancel', facts) : refused(escaped(sent.reason), facts);
}

/**
 * Runs stages once more. Whoever asks may write; a deploy that was under way before is one again, so it takes a deployer.
 * @param asked.stages `all`: what failed, or where nothing did, all that deploys nothing
 */
export async function retryStages(
  asked: {
    readonly host: GitHost;
    readonly repository: RepositoryRef;
    readonly by: Person;
    readonly run: Run;
    readonly stages: readonly string[] | 'failed' | 'all';
  },
  { loop, requests }: Parts,
): Promise<Answer> {
  const { run, by } = asked;
  const failed = namesOf(run, ['failed', 'cancelled']);
  const stages =
    asked.stages !== 'all' || failed.length > 0
      ? asked.stages
      : run.plan.stages.flatMap(({ name, deploy }) =>
          deploy === undefined && stageState(run, name).status === 'succeeded' ? [name] : [],
        );
  const named = stages === 'failed' || stages === 'all' ? failed : stages;
  const facts = { runId: run.runId, headSha: run.trigger.headSha };
  const moved = await movedSince(asked, requests);
  if (moved !== undefined) return refused(escaped(moved), facts);
  const right = await mayDeploy(asked, named);
  if (!right.may) return denied(escaped(right.why), facts);
  const sent = await loop.send(run.runId, {
    type: 'RetryStages',
    by,
    stages: stages === 'failed' || stages === 'all' ? 'failed' : stages,
  });
  return sent.ok ? done('retry', facts) : refused(escaped(sent.reason), facts);
}

/** A fork's run was let go for one state: it does not run again in another. */
async function movedSince(
  { host, repository, run }: Parameters<typeof retryStages>[0],
  requests: ForkRequests,
): Promise<string | undefined> {
  const { trigger } = run;
  if (trigger.type !== 'pull_request' || !trigger.isFork) return undefined;
  const pull = await host.pullRequest(repository, trigger.number);
  if (pull?.state !== 'open') return 'It comes from a fork, and the pull request is not open';
  const moved =
    pull.headSha === trigger.headSha ? await requests.movedSince(repository, pull, run.createdAt) : 'The head moved';
  return moved === undefined
    ? undefined
    : `It comes from a fork. ${moved} since it was let go: that takes consent anew`;
}

async function mayDeploy(
  { host, repository, by, run }: Parameters<typeof retryStages>[0],
  names: readonly string[],
): Promise<Right> {
  const environments = run.plan.stages.flatMap(({ name, deploy }) => {
    const { status } = stageState(run, name);
    const wasUnderWay = status === 'succeeded' || status === 'failed';
    return deploy !== undefined && wasUnderWay && names.includes(name) ? [deploy.environment] : [];
  });
  if (environments.length === 0) return { may: true };
  const branch = await host.defaultBranch(repository);
  const at = await policyAt(host, repository, branch);
  if (at === undefined) return { may: false, why: `The policy on ${branch} cannot be read, so nobody may deploy` };
  for (const environment of environments) {
    const deployers = environmentPolicy(at.policy, environment)?.deployers ?? [];
    const right = await rightOf(host, repository, by, deployers, `Deploying ${environment} once more`);
    if (!right.may) return right;
  }
  return { may: true };
}

function namesOf(run: Run, statuses: readonly string[]): readonly string[] {
  return run.plan.stages.map(({ name }) => name).filter((name) => statuses.includes(stageState(run, name).status));
}
