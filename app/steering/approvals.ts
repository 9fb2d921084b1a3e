import { createHash } from 'node:crypto';
import { ownersOf, parseCodeOwners } from '../../checks/code-owners.ts';
import type { EnvironmentRef } from '../../deploy/revision.ts';
import type { Revisions } from '../../deploy/revisions.ts';
import { type Approval, approvalPolicyOf } from '../../engine/core/approval.ts';
import type { ApprovalSubject } from '../../engine/core/approval-subject.ts';
import type { PlannedStage } from '../../engine/core/pipeline.ts';
import { plannedStage, type Run } from '../../engine/core/run.ts';
import { isSha, type Person, Sha } from '../../engine/core/trigger.ts';
import type { GitHost } from '../../providers/git-host.ts';
import { artifactOf } from '../attempt-host.ts';

const nothing = 'nothing';
const gone = Sha('0'.repeat(40));
const maxOwnersBytes = 3 * 1_024 * 1_024;

/** Reads, at the host and in the history, what a deploy is about to do: to be asked about, and compared with what was asked. */
export class ApprovalFacts {
  readonly #hosts: (provider: string) => GitHost;
  readonly #revisions: Revisions;
  readonly #onError: (error: unknown) => void;

  constructor(parts: {
    readonly hosts: (provider: string) => GitHost;
    readonly revisions: Revisions;
    readonly onError: (error: unknown) => void;
  }) {
    this.#hosts = parts.hosts;
    this.#revisions = parts.revisions;
    this.#onError = parts.onError;
  }

  /**
   * @param known the request whose owners stay: they are told once, when it is made
   * @throws GitHostError when the host cannot be asked; nothing is decided then
   */
  async subjectOf(run: Run, stage: PlannedStage, known?: Approval): Promise<ApprovalSubject> {
    const environment = environmentOf(run, stage);
    const live = await this.#revisions.live(environment);
    const { trigger } = run;
    const before = trigger.type === 'push' ? trigger.beforeSha : undefined;
    const baseSha = live?.headSha !== undefined && isSha(live.headSha) ? live.headSha : (before ?? trigger.headSha);
    const subject = {
      environment: environment.environment,
      headSha: await this.#headNow(run),
      baseSha,
      digest: digestOf(run, stage) ?? nothing,
      live: live === undefined ? nothing : `${live.number} ${live.digest}`,
      authors: authorsOf(run),
    };
    if (known !== undefined) return { ...subject, owners: known.subject.owners };
    const owners = approvalPolicyOf(run.plan, stage)?.owners === true ? await this.#owners(run, baseSha) : [];
    return { ...subject, owners };
  }

  /** For a prompt: what differs. Undefined where the host cannot tell: people are asked all the same, without the list. */
  async changed(
    run: Run,
    { baseSha, headSha }: ApprovalSubject,
  ): Promise<{ readonly paths: readonly string[]; readonly isComplete: boolean } | undefined> {
    if (baseSha === headSha) return { paths: [], isComplete: true };
    try {
      return await this.#hosts(run.repository.provider).changedFiles(run.repository, baseSha, headSha);
    } catch (error) {
      this.#onError(error);
      return undefined;
    }
  }

  /** The run's head while its branch still holds it; else what the branch holds instead. */
  async #headNow({ repository, trigger, plan }: Run): Promise<Sha> {
    // A revision that was live is known, whatever became of the branch that it came from; a tag names no branch.
    if (plan.source.type === 'revision' || trigger.type === 'tag' || repository.provider === 'local')
      return trigger.headSha;
    const branch = 'headRef' in trigger ? trigger.headRef : trigger.branch;
    const host = this.#hosts(repository.provider);
    const tip = await host.branchHead(repository, branch);
    if (tip === undefined) return gone;
    return (await host.holds(repository, tip, trigger.headSha)) ? trigger.headSha : tip;
  }

  async #owners({ repository, trigger, plan }: Run, baseSha: Sha): Promise<readonly (readonly string[])[]> {
    const host = this.#hosts(repository.provider);
    const at = plan.policy?.sha;
    if (at === undefined || !isSha(at)) return [];
    for (const path of host.capabilities.codeOwnersPaths) {
      const text = await host.readFile(repository, at, path, { maxBytes: maxOwnersBytes });
      if (text === undefined) continue;
      const { paths, isComplete } = await host.changedFiles(repository, baseSha, trigger.headSha);
      return ownersOf(parseCodeOwners(text), isComplete ? paths : undefined);
    }
    return [];
  }
}

/** Of what a deploy stage brings. */
export function digestOf(run: Run, { deploy }: PlannedStage): string | undefined {
  if (deploy === undefined) return undefined;
  if (deploy.known !== undefined) return deploy.known.digest;
  return deploy.source.type === 'image'
    ? deploy.source.image.split('@')[1]
    : artifactOf(run, deploy.source.name)?.digest;
}

/** @throws RangeError for a stage that deploys nothing */
export function environmentOf({ repository }: Run, { name, deploy }: PlannedStage): EnvironmentRef {
  if (deploy === undefined) throw new RangeError(`Stage "${name}" deploys nothing`);
  return {
    tenant: repository.tenant,
    repositoryId: repository.id,
    repository: `${repository.owner}/${repository.name}`,
    environment: deploy.environment,
  };
}

/** The pull request in which people are asked about a run's deploys; none where no pull request brought it. */
export function placeOf({ trigger }: Run): number | undefined {
  if (trigger.type === 'pull_request') return trigger.number;
  if (trigger.type === 'push') return trigger.pullRequest?.number;
  return trigger.type === 'manual' ? trigger.askedIn?.number : undefined;
}

/** Of a comment's text as the host keeps it: one that somebody edited since is no longer what was shown. */
export function hashOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

function authorsOf({ trigger }: Run): readonly Person[] {
  if (trigger.type === 'push' && trigger.pullRequest !== undefined) return trigger.pullRequest.authors;
  return trigger.type === 'pull_request' ? [trigger.author, trigger.actor] : [trigger.actor];
}

/** A pull request. */
export interface Place {
  readonly tenant: string;
  readonly repositoryId: string;
  readonly number: number;
}

/** Whether a run's deploys are asked about there. */
export function isAt(run: Run, { tenant, repositoryId, number }: Place): boolean {
  return run.repository.tenant === tenant && run.repository.id === repositoryId && placeOf(run) === number;
}

/** Requests for consent that people are asked about in a pull request. */
export function openApprovals(
  runs: readonly Run[],
  where: Place,
): readonly { readonly run: Run; readonly stage: PlannedStage; readonly approval: Approval }[] {
  return runs
    .filter((run) => isAt(run, where) && run.outcome === undefined)
    .flatMap((run) =>
      Object.entries(run.approvals).flatMap(([name, approval]) => {
        const stage = plannedStage(run, name);
        return approval.status === 'open' && stage !== undefined ? [{ run, stage, approval }] : [];
      }),
    );
}
