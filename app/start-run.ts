import { createHash } from 'node:crypto';
import type { Pipeline, PipelineSource } from '../engine/core/pipeline.ts';
import { planRun } from '../engine/core/plan.ts';
import type { Lane } from '../engine/core/run-events.ts';
import type { PullRequestTrigger, RepositoryRef, Sha, Trigger } from '../engine/core/trigger.ts';
import { detectPipeline } from '../engine/detect/detect.ts';
import { type Mistake, parsePipeline, pipelineFile, pipelineMaxBytes } from '../engine/pipeline-file.ts';
import type { RunList } from '../engine/ports/run-list.ts';
import type { RunLoop } from '../engine/run-loop.ts';
import type { GitHost } from '../providers/git-host.ts';

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
  readonly #showMistakes: (trigger: Trigger, path: string, mistakes: readonly Mistake[]) => Promise<void>;
  readonly #showConsent: (trigger: PullRequestTrigger) => Promise<void>;
  readonly #followSchedules: (repository: RepositoryRef, branch: string, pipeline: Pipeline) => Promise<void>;

  constructor(parts: {
    readonly loop: RunLoop;
    readonly runs: RunList;
    readonly hosts: (provider: string) => GitHost;
    readonly replica: string;
    readonly showMistakes: (trigger: Trigger, path: string, mistakes: readonly Mistake[]) => Promise<void>;
    /** A fork's run waits for consent, or has it. */
    readonly showConsent: (trigger: PullRequestTrigger) => Promise<void>;
    /** Told of the default branch's pipeline after each push to it. */
    readonly followSchedules: (repository: RepositoryRef, branch: string, pipeline: Pipeline) => Promise<void>;
  }) {
    this.#loop = parts.loop;
    this.#runs = parts.runs;
    this.#hosts = parts.hosts;
    this.#replica = parts.replica;
    this.#showMistakes = parts.showMistakes;
    this.#showConsent = parts.showConsent;
    this.#followSchedules = parts.followSchedules;
  }

  /**
   * @param key the delivery's id, or what else tells this event from every other one; the run's id is made of it
   * @throws GitHostError when the host cannot be asked; the caller tries again
   */
  async start(trigger: Trigger, key: string): Promise<Started> {
    if (trigger.type === 'pull_request') {
      const ended = trigger.action === 'closed' || trigger.action === 'merged';
      await this.#cancelOlder(
        trigger,
        ended ? `the pull request was ${trigger.action}` : `superseded by ${trigger.headSha.slice(0, 7)}`,
        key,
      );
      if (ended) return { outcome: 'ignored', because: `the pull request was ${trigger.action}` };
      // A stranger's commands never run unasked: consent for exactly one head SHA comes by `/ok-to-test`.
      if (trigger.isFork) {
        await this.#showConsent(trigger);
        if (trigger.consentBy === undefined)
          return { outcome: 'ignored', because: 'it comes from a fork and waits for consent' };
      }
    }
    const definition = await this.#definitionOf(trigger);
    if ('mistakes' in definition) {
      await this.#showMistakes(trigger, pipelineFile, definition.mistakes);
      return { outcome: 'mistakes', mistakes: definition.mistakes };
    }
    const { pipeline, source } = definition;
    if (trigger.type === 'push' && trigger.branch === trigger.defaultBranch)
      await this.#followSchedules(trigger.repository, trigger.branch, pipeline);
    const changedFiles = needsChangedFiles(pipeline) ? await this.#changedFiles(trigger) : undefined;
    const planned = planRun({ pipeline, source, trigger, changedFiles });
    if (!planned.matched) return { outcome: 'ignored', because: planned.reason };

    const runId = runIdOf(key);
    const sent = await this.#loop.send(runId, {
      type: 'CreateRun',
      runId,
      trigger,
      plan: planned.plan,
      lane: laneOf(trigger),
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
  ): Promise<
    { readonly pipeline: Pipeline; readonly source: PipelineSource } | { readonly mistakes: readonly Mistake[] }
  > {
    const { repository } = trigger;
    const host = this.#hosts(repository.provider);
    const sha: Sha = trigger.type === 'pull_request' && trigger.isFork ? trigger.baseSha : trigger.headSha;
    const text = await host.readFile(repository, sha, pipelineFile, { maxBytes: pipelineMaxBytes });
    if (text !== undefined) {
      const parsed = parsePipeline(text, { path: pipelineFile });
      return 'mistakes' in parsed
        ? parsed
        : { pipeline: parsed.pipeline, source: { type: 'file', path: pipelineFile, sha } };
    }
    const { paths } = await host.listFiles(repository, sha);
    const detected = await detectPipeline({
      paths,
      readFile: (path) => host.readFile(repository, sha, path, { maxBytes: pipelineMaxBytes }),
    });
    return { pipeline: detected.pipeline, source: { type: 'detected', explanation: detected.explanation } };
  }

  async #changedFiles(
    trigger: Trigger,
  ): Promise<{ readonly paths: readonly string[]; readonly isComplete: boolean } | undefined> {
    const base =
      trigger.type === 'pull_request' ? trigger.baseSha : trigger.type === 'push' ? trigger.beforeSha : undefined;
    if (base === undefined) return undefined;
    return this.#hosts(trigger.repository.provider).changedFiles(trigger.repository, base, trigger.headSha);
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

function laneOf(trigger: Trigger): Lane {
  return trigger.type === 'push' && trigger.branch === trigger.defaultBranch
    ? 'main'
    : trigger.type === 'tag'
      ? 'main'
      : 'feature';
}

function needsChangedFiles(pipeline: Pipeline): boolean {
  return (
    pipeline.on.some((rule) => rule.paths !== undefined || rule.pathsIgnore !== undefined) ||
    pipeline.stages.some((stage) => stage.when.paths !== undefined)
  );
}
