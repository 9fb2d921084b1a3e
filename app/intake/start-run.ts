import { createHash } from 'node:crypto';
import type { Pipeline, PipelineSource, Plan } from '../../engine/core/pipeline.ts';
import { type Planned, planRun } from '../../engine/core/plan.ts';
import { emptyPolicy } from '../../engine/core/policy.ts';
import type { Lane } from '../../engine/core/run-events.ts';
import type { MergeGroupTrigger, PullRequestTrigger, RepositoryRef, Sha, Trigger } from '../../engine/core/trigger.ts';
import { detectPipeline } from '../../engine/detect/detect.ts';
import { type Mistake, parsePipeline, pipelineFile, pipelineMaxBytes } from '../../engine/pipeline-file.ts';
import type { RunList } from '../../engine/ports/run-list.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { GitHost } from '../../providers/git-host.ts';
import { GitHostError } from '../../providers/git-host-error.ts';

const maxOpen = 1_000;

/** What became of a trigger. */
export type Started =
  | { readonly outcome: 'run'; readonly runId: string }
  | { readonly outcome: 'ignored'; readonly because: string }
  | { readonly outcome: 'mistakes'; readonly mistakes: readonly Mistake[] };

/** Makes runs of triggers. Doing it again for the same event gives the same run. */
export class StartRun {
  readonly #loop: RunLoop;
  readonly #runs: RunList;
  readonly #hosts: (provider: string) => GitHost;
  readonly #replica: string;
  readonly #poolsOf: (tenant: string) => readonly string[];
  readonly #showMistakes: (trigger: Trigger, path: string, mistakes: readonly Mistake[]) => Promise<void>;
  readonly #showConsent: (trigger: PullRequestTrigger) => Promise<void>;
  readonly #isHotfix: (repository: RepositoryRef, number: number, headSha: Sha) => Promise<boolean>;
  readonly #followSchedules: (repository: RepositoryRef, branch: string, pipeline: Pipeline) => Promise<void>;

  constructor(parts: {
    readonly loop: RunLoop;
    readonly runs: RunList;
    readonly hosts: (provider: string) => GitHost;
    readonly replica: string;
    /** Names of the pools that a tenant's stages may choose from. */
    readonly poolsOf: (tenant: string) => readonly string[];
    readonly showMistakes: (trigger: Trigger, path: string, mistakes: readonly Mistake[]) => Promise<void>;
    /** Whether somebody who may put that head on the hotfix lane. */
    readonly isHotfix: (repository: RepositoryRef, number: number, headSha: Sha) => Promise<boolean>;
    /** A fork's run waits for consent, has it, or wants it no more. */
    readonly showConsent: (trigger: PullRequestTrigger) => Promise<void>;
    /** Told of the default branch's pipeline after each push to it. */
    readonly followSchedules: (repository: RepositoryRef, branch: string, pipeline: Pipeline) => Promise<void>;
  }) {
    this.#loop = parts.loop;
    this.#runs = parts.runs;
    this.#hosts = parts.hosts;
    this.#replica = parts.replica;
    this.#poolsOf = parts.poolsOf;
    this.#showMistakes = parts.showMistakes;
    this.#showConsent = parts.showConsent;
    this.#isHotfix = parts.isHotfix;
    this.#followSchedules = parts.followSchedules;
  }

  /**
   * @param key the delivery's id, or what else tells this event from every other one; the run's id is made of it
   * @throws GitHostError when the host cannot be asked; the caller tries again
   */
  async start(event: Trigger, key: string): Promise<Started> {
    const trigger = await this.#withMerged(event);
    if (trigger.type === 'pull_request') {
      const ended = trigger.action === 'closed' || trigger.action === 'merged';
      await this.#cancelOlder(
        trigger,
        ended ? `the pull request was ${trigger.action}` : `superseded by ${trigger.headSha.slice(0, 7)}`,
        key,
      );
      if (ended && trigger.isFork) await this.#showConsent(trigger);
      if (ended) return { outcome: 'ignored', because: `the pull request was ${trigger.action}` };
      await this.#revokeHotfix(trigger);
      // A stranger's commands never run unasked: consent for exactly one head SHA comes by `/ok-to-test`.
      if (trigger.isFork) {
        await this.#showConsent(trigger);
        if (trigger.consentBy === undefined)
          return { outcome: 'ignored', because: 'it comes from a fork and waits for consent' };
      }
    }
    if (trigger.type === 'merge_group') {
      const left = await this.#leftQueue(trigger);
      if (left !== undefined) return { outcome: 'ignored', because: left };
    }
    const resolved = await this.#resolve(trigger);
    if ('mistakes' in resolved) {
      await this.#showMistakes(trigger, pipelineFile, resolved.mistakes);
      return { outcome: 'mistakes', mistakes: resolved.mistakes };
    }
    return resolved.matched
      ? this.#create(trigger, resolved.plan, key)
      : { outcome: 'ignored', because: resolved.reason };
  }

  /**
   * The same head of a pull request, as a draft or with labels that it had not: it runs anew only where that changes what
   * is run. @throws GitHostError as above
   */
  async again(trigger: PullRequestTrigger, key: string): Promise<Started> {
    const resolved = await this.#resolve(trigger);
    if ('mistakes' in resolved) return { outcome: 'ignored', because: 'its pipeline file has mistakes' };
    const before = await this.#lastPlan(trigger);
    if (before === undefined ? !resolved.matched : resolved.matched && isSameWork(before, resolved.plan))
      return { outcome: 'ignored', because: 'what is run stays the same' };
    await this.#cancelOlder(
      trigger,
      resolved.matched ? 'its draft state or labels changed what is run' : resolved.reason,
      key,
    );
    if (!resolved.matched) return { outcome: 'ignored', because: resolved.reason };
    if (!trigger.isFork) return this.#create(trigger, resolved.plan, key);
    await this.#showConsent(trigger);
    return { outcome: 'ignored', because: 'it comes from a fork and waits for consent' };
  }

  /** What a trigger would run. */
  async #resolve(trigger: Trigger): Promise<Planned | { readonly mistakes: readonly Mistake[] }> {
    const policySha = await this.#policySha(trigger);
    const definition = await this.#definitionOf(trigger, policySha);
    if ('mistakes' in definition) return definition;
    const { pipeline, source } = definition;
    if (trigger.type === 'push' && trigger.branch === trigger.defaultBranch)
      await this.#followSchedules(trigger.repository, trigger.branch, pipeline);
    const changedFiles = needsChangedFiles(pipeline) ? await this.#changedFiles(trigger) : undefined;
    const policy =
      policySha === sourceSha(trigger, policySha)
        ? { policy: pipeline.policy ?? emptyPolicy }
        : await this.#policyAt(trigger.repository, policySha);
    const skipDeploys = skipDeploysBecause(trigger);
    const planned = planRun({
      pipeline,
      source,
      trigger,
      changedFiles,
      ...('policy' in policy ? { policy: { ...policy.policy, sha: policySha } } : {}),
      ...(skipDeploys === undefined ? {} : { skipDeploys }),
    });
    if (!planned.matched) return planned;
    // Nobody can say whose consent a deploy needs: none is begun.
    const deploys = planned.plan.stages.some(
      ({ deploy, skipReason }) => deploy !== undefined && skipReason === undefined,
    );
    return 'mistakes' in policy && deploys ? policy : planned;
  }

  async #create(trigger: Trigger, plan: Plan, key: string): Promise<Started> {
    const runId = runIdOf(key);
    const sent = await this.#loop.send(runId, {
      type: 'CreateRun',
      runId,
      trigger,
      plan,
      lane: (await this.#isOnHotfixLane(trigger)) ? 'hotfix' : laneOf(trigger),
      team: `${trigger.repository.owner}/${trigger.repository.name}`,
      replica: this.#replica,
    });
    if (!sent.ok && sent.code !== 'exists') return { outcome: 'ignored', because: sent.reason };
    // In the list before the delivery counts as done: after a crash, unfinished runs are found by the list.
    const current = sent.ok ? sent : await this.#loop.runAt(runId, Number.MAX_SAFE_INTEGER);
    if (current !== undefined) await this.#runs.save(current.run, current.version);
    return { outcome: 'run', runId };
  }

  /** The definition from the head; a fork's from its base, so that a stranger cannot rewrite what is run. */
  async #definitionOf(
    trigger: Trigger,
    policySha: Sha,
  ): Promise<
    { readonly pipeline: Pipeline; readonly source: PipelineSource } | { readonly mistakes: readonly Mistake[] }
  > {
    const { repository } = trigger;
    const host = this.#hosts(repository.provider);
    const sha = sourceSha(trigger, policySha);
    const text = await host.readFile(repository, sha, pipelineFile, { maxBytes: pipelineMaxBytes });
    if (text !== undefined) {
      const pools = this.#poolsOf(repository.tenant);
      const parsed = parsePipeline(text, { path: pipelineFile, pools });
      return 'mistakes' in parsed
        ? parsed
        : { pipeline: parsed.pipeline, source: { type: 'file', path: pipelineFile, sha } };
    }
    const { paths } = await host.listFiles(repository, sha);
    // A host that is out of step with itself must not have other stages run than the file says.
    if (paths.includes(pipelineFile)) throw contradiction(repository, sha);
    const detected = await detectPipeline({
      paths,
      readFile: (path) => host.readFile(repository, sha, path, { maxBytes: pipelineMaxBytes }),
    });
    return { pipeline: detected.pipeline, source: { type: 'detected', explanation: detected.explanation } };
  }

  /** The tip of the branch that decides what may be done: a pull request's base, else the default branch. */
  async #policySha(trigger: Trigger): Promise<Sha> {
    if (trigger.type === 'push' && trigger.branch === trigger.defaultBranch) return trigger.headSha;
    const branch = 'baseRef' in trigger ? trigger.baseRef : trigger.defaultBranch;
    const tip = await this.#hosts(trigger.repository.provider).branchHead(trigger.repository, branch);
    return tip ?? ('baseSha' in trigger ? trigger.baseSha : trigger.headSha);
  }

  async #policyAt(
    repository: RepositoryRef,
    sha: Sha,
  ): Promise<{ readonly policy: NonNullable<Pipeline['policy']> } | { readonly mistakes: readonly Mistake[] }> {
    const options = { maxBytes: pipelineMaxBytes };
    const text = await this.#hosts(repository.provider).readFile(repository, sha, pipelineFile, options);
    if (text === undefined) return { policy: emptyPolicy };
    const parsed = parsePipeline(text, { path: pipelineFile });
    return 'mistakes' in parsed ? parsed : { policy: parsed.pipeline.policy ?? emptyPolicy };
  }

  /** The label was for the head before: a push takes it off. */
  async #revokeHotfix({ repository, number, headSha, action, labels }: PullRequestTrigger): Promise<void> {
    if (action !== 'updated' || !labels.includes('hotfix')) return;
    if (await this.#isHotfix(repository, number, headSha)) return;
    await this.#hosts(repository.provider).changeLabels(repository, number, { remove: ['hotfix'] });
  }

  /** The head that was marked, or its merge: nothing that came later. */
  async #isOnHotfixLane(trigger: Trigger): Promise<boolean> {
    if (trigger.type === 'pull_request') return this.#isHotfix(trigger.repository, trigger.number, trigger.headSha);
    const merged = trigger.type === 'push' ? trigger.pullRequest : undefined;
    return merged !== undefined && this.#isHotfix(trigger.repository, merged.number, merged.headSha);
  }

  /** A push to the default branch tells which pull request was merged by it: its author and labels count. */
  async #withMerged(trigger: Trigger): Promise<Trigger> {
    if (trigger.type !== 'push' || trigger.branch !== trigger.defaultBranch) return trigger;
    const { repository, headSha } = trigger;
    const host = this.#hosts(repository.provider);
    const number = await host.mergedAs(repository, headSha);
    const pull = number === undefined ? undefined : await host.pullRequest(repository, number);
    if (pull === undefined) return trigger;
    const last = (await this.#runs.find({ repositoryId: repository.id, number: pull.number }, { limit: 20 })).find(
      (run) => run.tenant === repository.tenant && run.headSha === pull.headSha,
    );
    // Who pushed the head last made it too, whoever opened the pull request.
    const authors = [
      { login: pull.author, id: pull.authorId },
      ...(last === undefined || last.actor === pull.author ? [] : [{ login: last.actor, id: '' }]),
    ];
    const title = `${pull.title.slice(0, 280)} (#${pull.number})`;
    return {
      ...trigger,
      title,
      pullRequest: { number: pull.number, headSha: pull.headSha, authors, labels: pull.labels },
    };
  }

  async #changedFiles(
    trigger: Trigger,
  ): Promise<{ readonly paths: readonly string[]; readonly isComplete: boolean } | undefined> {
    const base = 'baseSha' in trigger ? trigger.baseSha : trigger.type === 'push' ? trigger.beforeSha : undefined;
    if (base === undefined) return undefined;
    return this.#hosts(trigger.repository.provider).changedFiles(trigger.repository, base, trigger.headSha);
  }

  /** Why a merge queue wants no run of this head: nobody would read its checks. Runs of it are stopped then. */
  async #leftQueue({ repository, action, headRef, headSha, baseRef }: MergeGroupTrigger): Promise<string | undefined> {
    // Told in any order: what was removed stays removed, whatever is told after it.
    const isThere =
      action === 'requested' && (await this.#hosts(repository.provider).branchHead(repository, headRef)) === headSha;
    if (isThere) return undefined;
    const because = `it left the merge queue of ${baseRef}`;
    const open = await this.#runs.find({ repositoryId: repository.id, hasEnded: false }, { limit: maxOpen });
    for (const run of open)
      if (run.tenant === repository.tenant && run.trigger === 'merge_group' && run.headSha === headSha)
        await this.#loop.send(run.runId, { type: 'CancelRun', by: 'slipway', reason: because });
    return because;
  }

  async #lastPlan({ repository, number, headSha }: PullRequestTrigger): Promise<Plan | undefined> {
    const runs = await this.#runs.find({ repositoryId: repository.id, number, headSha }, { limit: 20 });
    const last = runs.find((run) => run.tenant === repository.tenant && run.trigger === 'pull_request');
    return last === undefined ? undefined : (await this.#loop.runAt(last.runId, Number.MAX_SAFE_INTEGER))?.run.plan;
  }

  /** A new push to a pull request makes its older runs pointless; runs of main are never cancelled this way. */
  async #cancelOlder(trigger: PullRequestTrigger, reason: string, key: string): Promise<void> {
    const own = runIdOf(key);
    const open = await this.#runs.find(
      { repositoryId: trigger.repository.id, number: trigger.number, hasEnded: false },
      { limit: 100 },
    );
    for (const run of open) {
      const isOlder = run.runId !== own && run.trigger === 'pull_request' && run.tenant === trigger.repository.tenant;
      if (isOlder) await this.#loop.send(run.runId, { type: 'CancelRun', by: 'slipway', reason });
    }
  }
}

/** Ten characters, the same for the same event: short enough to say aloud, 50 bits apart. */
export function runIdOf(key: string): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  const digest = createHash('sha256').update(key).digest();
  return [...digest.subarray(0, 10)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

function contradiction({ owner, name }: RepositoryRef, sha: Sha): GitHostError {
  return new GitHostError({
    code: 'unavailable',
    what: `Reading ${pipelineFile} of ${owner}/${name} at ${sha}`,
    why: 'The host lists the file, and says that there is none',
    fix: 'It is tried again',
  });
}

/** A fork's stages come from the base, so that a stranger cannot rewrite what is run. */
function sourceSha(trigger: Trigger, policySha: Sha): Sha {
  return trigger.type === 'pull_request' && trigger.isFork ? policySha : trigger.headSha;
}

function isSameWork(one: Plan, other: Plan): boolean {
  const work = ({ stages }: Plan) => stages.flatMap(({ name, skipReason }) => (skipReason === undefined ? [name] : []));
  return JSON.stringify(work(one)) === JSON.stringify(work(other));
}

/** The label only stops: whoever may put it on may. */
function skipDeploysBecause(trigger: Trigger): string | undefined {
  const pull = trigger.type === 'push' ? trigger.pullRequest : undefined;
  return pull?.labels.includes('skip-deploy') ? `pull request ${pull.number} has the label skip-deploy` : undefined;
}

function laneOf(trigger: Trigger): Lane {
  return trigger.type === 'push' && trigger.branch === trigger.defaultBranch
    ? 'main'
    : trigger.type === 'tag' || trigger.type === 'merge_group'
      ? 'main'
      : 'feature';
}

function needsChangedFiles(pipeline: Pipeline): boolean {
  return (
    pipeline.on.some((rule) => rule.paths !== undefined || rule.pathsIgnore !== undefined) ||
    pipeline.stages.some((stage) => stage.when.paths !== undefined)
  );
}
