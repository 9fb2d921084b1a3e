import { code, escaped } from '../../checks/markdown.ts';
import { historyList, short } from '../../checks/prompt.ts';
import { DeployError } from '../../deploy/ports/errors.ts';
import type { EnvironmentRef, Revision } from '../../deploy/revision.ts';
import type { Revisions } from '../../deploy/revisions.ts';
import { environmentPolicy, type Policy } from '../../engine/core/policy.ts';
import type { Sha } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { RunList } from '../../engine/ports/run-list.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { Comment } from '../../providers/git-host.ts';
import { hashOf } from '../steering/approvals.ts';
import type { Proposals } from '../steering/proposals.ts';
import { redeploy } from '../steering/redeploy.ts';
import { type Answer, type Asked, denied, done, refused } from './answer.ts';
import { policyAt, rightOf } from './rights.ts';

const shownRevisions = 8;

type Kind = 'deploy' | 'rollback';

/** A revision, and the environment of the repository in which it was live. */
interface Known {
  readonly from: string;
  readonly revision: Revision;
}

/** Brings environments to revisions that are known: `/deploy`, `/rollback`, `/confirm`. */
export class DeployByCommand {
  readonly #loop: RunLoop;
  readonly #runs: RunList;
  readonly #revisions: Revisions;
  readonly #proposals: Proposals;
  readonly #replica: string;
  readonly #clock: Clock;

  constructor(parts: {
    readonly loop: RunLoop;
    readonly runs: RunList;
    readonly revisions: Revisions;
    readonly proposals: Proposals;
    readonly replica: string;
    readonly clock: Clock;
  }) {
    this.#loop = parts.loop;
    this.#runs = parts.runs;
    this.#revisions = parts.revisions;
    this.#proposals = parts.proposals;
    this.#replica = parts.replica;
    this.#clock = parts.clock;
  }

  async ask(asked: Asked, kind: Kind, named: string | undefined, revision: string | undefined): Promise<Answer> {
    const environments = await this.#revisions.ofRepository(asked.repository);
    // `/rollback 3`: the one environment there is.
    const [only] = environments.length === 1 ? environments : [];
    const isNumber = named !== undefined && /^#?\d+$/.test(named) && revision === undefined;
    const name = kind === 'rollback' && (named === undefined || isNumber) ? only?.environment : named;
    const environment = environments.find((each) => each.environment === name);
    const list = environments.map((each) => code(each.environment)).join(', ');
    if (name === undefined)
      return refused(list === '' ? 'Nothing was ever deployed from this repository' : `Name the environment: ${list}`);
    const right = await this.#right(asked, name, `${kind === 'deploy' ? 'Deploying' : 'Rolling back'} ${name}`);
    if ('outcome' in right) return right;
    const wanted = isNumber ? named : revision;
    if (environment === undefined && kind === 'rollback')
      return refused(
        `${code(name)} was never deployed from this repository${list === '' ? '' : `; these were: ${list}`}`,
        right,
      );
    const target = environment ?? { ...refOf(asked), environment: name };
    const found = await this.#known(asked, kind, target, wanted);
    if ('why' in found) return refused(found.why, right);
    return wanted === undefined
      ? this.#propose(asked, kind, target, found, right)
      : this.#begin(asked, kind, target, found, right, asked.key);
  }

  /** @param said the comment that says `/confirm`; absent for a reaction on the proposal `commentId` */
  async confirm(asked: Asked, said: Comment | undefined, commentId?: string): Promise<Answer | undefined> {
    const { repository, number, host } = asked;
    const proposal = await this.#proposals.find(repository, number, this.#clock.now(), commentId);
    if (proposal === undefined)
      return said === undefined
        ? undefined
        : refused('Nothing waits to be confirmed here, or it waited for over an hour');
    const { environment, kind, from } = proposal;
    const right = await this.#right(asked, environment, `Confirming for ${environment}`);
    if ('outcome' in right) return right;
    const shown = await host.comment(repository, number, proposal.commentId);
    if (shown === undefined || shown.author.login !== (await host.ownLogin()) || hashOf(shown.body) !== proposal.hash) {
      await this.#proposals.close(repository, proposal.commentId);
      return refused('What was to be confirmed is not as it was written. Ask for it once more', right);
    }
    if (said !== undefined && Number(said.id) <= Number(shown.id))
      return denied('This was written before what it confirms', right);
    const ref = { ...refOf(asked), environment };
    const live = liveText(await this.#revisions.live(ref));
    if (live !== proposal.live) {
      await this.#proposals.close(repository, proposal.commentId);
      return refused(
        `${code(environment)} moved from ${code(short(proposal.live))} to ${code(short(live))} since. Ask for it once more`,
        right,
      );
    }
    const revision = await this.#revisions.get({ ...ref, environment: from }, proposal.revision);
    if (revision === undefined) return refused(`Revision ${proposal.revision} is gone`, right);
    const answer = await this.#begin(asked, kind, ref, { from, revision }, right, `proposal/${proposal.commentId}`);
    if (answer.outcome === 'done') await this.#proposals.close(repository, proposal.commentId);
    return answer;
  }

  async #right(asked: Asked, environment: string, what: string): Promise<Allowed | Answer> {
    const { host, repository, by } = asked;
    const branch = await host.defaultBranch(repository);
    const at = await policyAt(host, repository, branch);
    if (at === undefined) return refused(`The policy on ${code(branch)} cannot be read, so nobody may deploy`);
    const right = await rightOf(host, repository, by, environmentPolicy(at.policy, environment)?.deployers ?? [], what);
    if (!right.may) return denied(escaped(right.why), { policySha: at.sha });
    return { branch, policySha: at.sha, policy: at.policy };
  }

  /** Only what was live somewhere: anything else nobody has seen work, or reviewed. */
  async #known(
    asked: Asked,
    kind: Kind,
    ref: EnvironmentRef,
    wanted: string | undefined,
  ): Promise<Known | { readonly why: string }> {
    const [, named, digits] = /^(?:([a-z][a-z0-9-]*)@)?#?(\d{1,9})$/.exec(wanted ?? '') ?? [];
    if (wanted !== undefined && digits === undefined)
      return {
        why: `${code(wanted)} is no revision. Write its number, or for one of another environment ${code('staging@12')}`,
      };
    const number = digits === undefined ? undefined : Number(digits);
    if (kind === 'deploy' && wanted === undefined) {
      const others = (await this.#revisions.ofRepository(asked.repository)).filter(
        ({ environment }) => environment !== ref.environment,
      );
      const live = await this.#revisions.live(ref);
      const revisions = await Promise.all(
        others.map(async (other) => ({ from: other.environment, revision: await this.#revisions.live(other) })),
      );
      const newest = revisions
        .flatMap(({ from, revision }) =>
          revision === undefined || revision.digest === live?.digest ? [] : [{ from, revision }],
        )
        .sort((a, b) => b.revision.at.getTime() - a.revision.at.getTime())[0];
      return (
        newest ?? {
          why: `No other environment runs anything that ${code(ref.environment)} does not run. Name a revision`,
        }
      );
    }
    const from = kind === 'deploy' && named !== undefined ? named : ref.environment;
    if (named !== undefined && named !== from)
      return { why: `Going back is to a revision of ${code(ref.environment)} itself` };
    try {
      return { from, revision: await this.#revisions.rollbackTarget({ ...ref, environment: from }, number) };
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      return { why: escaped(`${error.why}. ${error.fix}`) };
    }
  }

  async #propose(asked: Asked, kind: Kind, ref: EnvironmentRef, known: Known, right: Allowed): Promise<Answer> {
    const { repository, number, host } = asked;
    const live = await this.#revisions.live(ref);
    const history = await this.#revisions.history({ ...ref, environment: known.from }, shownRevisions);
    const say = (command: string) => code(`/${host.capabilities.slashCommandsTaken ? 'slipway ' : ''}${command}`);
    const to = known.revision;
    const changed = differenceOf(live, to);
    const body = [
      `### ${kind === 'rollback' ? '↩️ Go back' : '🚢 Deploy'}: ${escaped(ref.environment)} to revision ${to.number}${known.from === ref.environment ? '' : ` of ${escaped(known.from)}`}?`,
      `${live === undefined ? 'It runs nothing now' : `It runs revision ${live.number} (${code(short(live.digest))})`}; it would run ${code(short(to.digest))}, brought by ${escaped(to.by)}.${changed}`,
      historyList(history),
      `**Confirm:** ${say('confirm')} in a new comment${host.capabilities.reactions === 'none' ? '' : ', or 👍 on this one'}, within an hour. Another revision: ${say(`${kind} ${ref.environment} <number>`)}.`,
    ].join('\n\n');
    const marker = `<!-- slipway proposal ${asked.key.replaceAll(/[^\w/-]/g, '')} -->`;
    const commentId = await host.ensureComment(repository, number, { marker, body }, undefined);
    const written = await host.comment(repository, number, commentId);
    if (written === undefined) return refused('The question was deleted as soon as it was written', right);
    await this.#proposals.open(repository, {
      number,
      commentId,
      hash: hashOf(written.body),
      kind,
      environment: ref.environment,
      from: known.from,
      revision: to.number,
      live: liveText(live),
      at: this.#clock.now(),
    });
    return done(`asked to confirm revision ${to.number}`, right);
  }

  async #begin(
    asked: Asked,
    kind: Kind,
    environment: EnvironmentRef,
    { from, revision }: Known,
    right: Allowed,
    key: string,
  ): Promise<Answer> {
    const { repository, host, number, by, commentId } = asked;
    const branchSha = await host.branchHead(repository, right.branch);
    if (branchSha === undefined) return refused(`The branch ${code(right.branch)} is gone`, right);
    const begun = await redeploy(
      {
        repository,
        environment,
        revision,
        from,
        live: await this.#revisions.live(environment),
        kind,
        by,
        askedIn: { number, commentId: commentId ?? key.replaceAll('/', '-') },
        branch: right.branch,
        branchSha,
        policy: { ...right.policy, sha: right.policySha },
        key,
      },
      { loop: this.#loop, runs: this.#runs, replica: this.#replica },
    );
    return 'refused' in begun
      ? refused(escaped(begun.refused), right)
      : done(`began run ${begun.runId}: revision ${revision.number} of ${from}`, {
          policySha: right.policySha,
          runId: begun.runId,
        });
  }
}

interface Allowed {
  readonly branch: string;
  readonly policySha: Sha;
  readonly policy: Policy;
}

function refOf({ repository }: Asked): Omit<EnvironmentRef, 'environment'> {
  const { tenant, id, owner, name } = repository;
  return { tenant, repositoryId: id, repository: `${owner}/${name}` };
}

function liveText(live: Revision | undefined): string {
  return live === undefined ? 'nothing' : `${live.number} ${live.digest}`;
}

function differenceOf(live: Revision | undefined, to: Revision): string {
  const [before, after] = [live?.headSha, to.headSha];
  if (before === undefined || after === undefined) return '';
  return ` Difference: ${code(before.slice(0, 12))} → ${code(after.slice(0, 12))}.`;
}
