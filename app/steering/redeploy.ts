import type { EnvironmentRef, Revision } from '../../deploy/revision.ts';
import type { Plan, PlannedStage } from '../../engine/core/pipeline.ts';
import type { Policy } from '../../engine/core/policy.ts';
import type { ManualTrigger, Person, RepositoryRef } from '../../engine/core/trigger.ts';
import { isSha, type Sha } from '../../engine/core/trigger.ts';
import { defaultResources } from '../../engine/pipeline-file/resources.ts';
import type { RunList } from '../../engine/ports/run-list.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import { runIdOf } from '../intake/start-run.ts';

/** A known revision on its way to an environment, because a person asked. */
export interface Redeploy {
  readonly repository: RepositoryRef;
  readonly environment: EnvironmentRef;
  readonly revision: Revision;
  /** Where the revision was live: that environment, or another one of the repository. */
  readonly from: string;
  /** What the environment runs now: what is built in it stays, but for the artifact. */
  readonly live: Revision | undefined;
  readonly kind: 'rollback' | 'deploy';
  readonly by: Person;
  readonly askedIn?: ManualTrigger['askedIn'];
  readonly branch: string;
  readonly branchSha: Sha;
  readonly policy: Policy & { readonly sha: string };
  /** Asked again by the same key, it is the same run. */
  readonly key: string;
}

/** Brings a known revision by a run of one stage, so that it is seen, held, locked, approved and recovered as every deploy is. */
export async function redeploy(
  wish: Redeploy,
  parts: { readonly loop: RunLoop; readonly runs: RunList; readonly replica: string },
): Promise<{ readonly runId: string } | { readonly refused: string }> {
  const { repository, revision, environment, kind, by } = wish;
  const runId = runIdOf(`${repository.tenant}/${repository.id}/redeploy/${wish.key}`);
  const headSha = revision.headSha !== undefined && isSha(revision.headSha) ? revision.headSha : wish.branchSha;
  const words = kind === 'rollback' ? 'back to' : 'to';
  const trigger: ManualTrigger = {
    type: 'manual',
    repository,
    defaultBranch: wish.branch,
    actor: by,
    title: `${environment.environment} ${words} revision ${revision.number}${wish.from === environment.environment ? '' : ` of ${wish.from}`}`,
    headSha,
    branch: wish.branch,
    ...(wish.askedIn === undefined ? {} : { askedIn: wish.askedIn }),
  };
  const plan: Plan = {
    source: { type: 'revision', environment: wish.from, revision: revision.number },
    stages: [stageOf(wish)],
    policy: wish.policy,
  };
  const sent = await parts.loop.send(runId, {
    type: 'CreateRun',
    runId,
    trigger,
    plan,
    lane: kind === 'rollback' ? 'hotfix' : 'main',
    team: `${repository.owner}/${repository.name}`,
    replica: parts.replica,
  });
  if (!sent.ok && sent.code !== 'exists') return { refused: sent.reason };
  // In the list before it counts as done: after a crash, unfinished runs are found by the list.
  const current = sent.ok ? sent : await parts.loop.runAt(runId, Number.MAX_SAFE_INTEGER);
  if (current !== undefined) await parts.runs.save(current.run, current.version);
  return { runId };
}

function stageOf({ kind, environment, revision, from, live }: Redeploy): PlannedStage {
  const wasLive = from === environment.environment;
  const target = wasLive ? revision.target : { ...(live ?? revision).target, source: revision.target.source };
  return {
    name: `${kind} ${environment.environment}`,
    kind: 'deploy',
    needs: [],
    image: '',
    commands: [],
    env: {},
    timeoutMs: 30 * 60_000,
    retries: 0,
    resources: defaultResources,
    artifactsIn: [],
    artifactsOut: [],
    reports: [],
    when: {},
    deploy: {
      ...target,
      environment: environment.environment,
      known: { digest: revision.digest, revision: revision.number, wasLive },
    },
  };
}
