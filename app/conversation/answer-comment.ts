import { renderHelp, renderStatus, renderWhy } from '../../checks/answer.ts';
import { type Command, parseCommands, type UnknownCommand } from '../../checks/command.ts';
import { code, escaped, unescaped } from '../../checks/markdown.ts';
import type { Revisions } from '../../deploy/revisions.ts';
import type { Run } from '../../engine/core/run.ts';
import type { Wait } from '../../engine/core/schedule.ts';
import type { CommentEvent, LabelEvent, Person, ReactionContent, RepositoryRef } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { RunList } from '../../engine/ports/run-list.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { Comment, GitHost, PullRequest } from '../../providers/git-host.ts';
import { GitHostError } from '../../providers/git-host-error.ts';
import type { StartRun } from '../intake/start-run.ts';
import { placeOf } from '../steering/approvals.ts';
import type { Audit } from '../steering/audit.ts';
import type { ForkRequests } from '../steering/fork-requests.ts';
import type { Hotfixes } from '../steering/hotfixes.ts';
import { type Answer, type Asked, answerMarker, denied, done, refused } from './answer.ts';
import type { AnswerPrompt, Verdict } from './approve.ts';
import type { Asking } from './asking.ts';
import { consent } from './consent.ts';
import type { DeployByCommand } from './deploy.ts';
import { endHotfix, hotfix } from './hotfix.ts';
import { revert } from './revert.ts';
import { steer } from './steer.ts';
import type { StopDeploys } from './stop.ts';

interface Parts {
  readonly loop: RunLoop;
  readonly runs: RunList;
  readonly start: StartRun;
  readonly hosts: (provider: string) => GitHost;
  readonly waitsOf: (runId: string) => readonly Wait[];
  readonly prompts: AnswerPrompt;
  readonly deploys: DeployByCommand;
  readonly stops: StopDeploys;
  readonly revisions: Revisions;
  readonly hotfixes: Hotfixes;
  readonly requests: ForkRequests;
  readonly audit: Audit;
  readonly asked: Asking;
  readonly clock: Clock;
}

/** Tells everybody; changes nothing, so nothing of it is kept. */
const questions = new Set<string>(['help', 'status', 'why', 'unknown']);

const verdicts: Partial<Record<ReactionContent, Verdict>> = {
  thumbs_up: { type: 'approve' },
  rocket: { type: 'approve' },
  thumbs_down: { type: 'reject', reason: '' },
};

/** Answers what people say in pull requests: commands at once by a reaction, then by what was done or a reply. */
export class AnswerComment {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Doing it again for the same comment gives the same answer in the same place.
   * @throws GitHostError when the host cannot be asked: nothing was allowed then, and it is tried again
   */
  async comment(event: CommentEvent): Promise<{ readonly ignoredBecause?: string }> {
    const { repository, number, commentId, by } = event;
    const host = this.#parts.hosts(repository.provider);
    const commands = parseCommands(event.body, host.capabilities);
    if (commands.length === 0) return { ignoredBecause: 'the comment holds no command' };
    if (by.login === (await host.ownLogin())) return { ignoredBecause: 'it is our own' };
    if (await this.#isFlood(host, event)) return { ignoredBecause: `${by.login} asks more than is answered` };
    await this.#acknowledge(host, event);
    const pull = await host.pullRequest(repository, number);
    if (pull === undefined) return { ignoredBecause: 'the comment is on no pull request' };
    // As it stands now: one that was edited or taken back since is no command.
    const said = await host.comment(repository, number, commentId);
    if (said === undefined || said.body !== event.body || said.author.id !== by.id)
      return { ignoredBecause: 'the comment was edited or deleted since' };
    if (event.headSha !== undefined && event.headSha !== pull.headSha)
      return this.#close(host, event, [
        refused('The head moved since this was written. Look at what is new, then say it again'),
      ]);
    const answers: Answer[] = [];
    for (const [index, command] of commands.entries()) {
      const asked = { repository, number, by, commentId, key: `${commentId}/${index}`, pull, host };
      answers.push(await this.#carryOut(command, asked, said));
    }
    return this.#close(host, event, answers);
  }

  /** 👍, 🚀 or 👎 on a prompt of ours. @throws GitHostError as above */
  async reaction(facts: {
    readonly repository: RepositoryRef;
    readonly number: number;
    readonly commentId: string;
    readonly by: Person;
    readonly content: ReactionContent;
  }): Promise<{ readonly ignoredBecause?: string }> {
    const { repository, number, commentId, by, content } = facts;
    const verdict = verdicts[content];
    if (verdict === undefined) return { ignoredBecause: `${content} answers nothing` };
    const host = this.#parts.hosts(repository.provider);
    if (by.login === (await host.ownLogin())) return { ignoredBecause: 'it is our own' };
    const pull = await host.pullRequest(repository, number);
    if (pull === undefined) return { ignoredBecause: 'the pull request is gone' };
    const key = `reaction/${commentId}/${by.id}/${content}`;
    const asked: Asked = { repository, number, by, key, pull, host };
    const answer =
      (await this.#parts.prompts.byReaction({ repository, number, commentId }, host, by, verdict)) ??
      (verdict.type === 'approve' ? await this.#parts.deploys.confirm(asked, undefined, commentId) : undefined);
    if (answer === undefined) return { ignoredBecause: 'the comment is no open prompt' };
    await this.#record(asked, `${verdict.type} by ${content} on a prompt`, answer);
    // Strangers could fill the conversation by clicking: they are told nothing, and it is kept who they were.
    const text = answer.outcome === 'denied' && !/is none of them|author/i.test(answer.why) ? undefined : answer.text;
    if (text !== undefined) await this.#reply(host, repository, number, key, by, [text]);
    return answer.outcome === 'done' ? {} : { ignoredBecause: answer.why };
  }

  /** The labels `hotfix`, `hold` and `skip-deploy`, by whoever may say the same as a command. @throws GitHostError as above */
  async label(event: LabelEvent): Promise<{ readonly ignoredBecause?: string }> {
    const { repository, number, by, added, removed } = event;
    const isOurs = (label: string) => label === 'hotfix' || label === 'hold' || label === 'skip-deploy';
    if (!added.some(isOurs) && !removed.some(isOurs)) return { ignoredBecause: 'the labels ask for nothing' };
    const host = this.#parts.hosts(repository.provider);
    if (by.login === (await host.ownLogin())) return { ignoredBecause: 'it is our own' };
    const pull = await host.pullRequest(repository, number);
    if (pull === undefined) return { ignoredBecause: 'the pull request is gone' };
    const changes = [
      ...added.map((name) => ({ name, change: 'put' as const })),
      ...removed.map((name) => ({ name, change: 'lift' as const })),
    ];
    for (const { name, change } of changes) {
      const key = `label/${name}/${change}/${by.id}/${pull.headSha}`;
      const asked: Asked = { repository, number, by, key, pull, host };
      const answer = await this.#labelled(asked, name, change, event.headSha);
      if (answer === undefined) continue;
      await this.#record(asked, `label ${name} ${change === 'put' ? 'added' : 'removed'}`, answer);
      if (answer.outcome === 'done') continue;
      // The label would say what is not so.
      await host.changeLabels(repository, number, change === 'put' ? { remove: [name] } : { add: [name] });
      await this.#reply(host, repository, number, key, by, [answer.text ?? answer.why]);
    }
    return {};
  }

  /** @param headSha the one that the label was put on @returns undefined where the label says nothing now */
  async #labelled(
    asked: Asked,
    name: string,
    change: 'put' | 'lift',
    headSha: string | undefined,
  ): Promise<Answer | undefined> {
    const { pull, by } = asked;
    const { stops } = this.#parts;
    if (name === 'hold') {
      const answer = await stops.hold(asked, change === 'put' ? 'label' : '', change);
      // Ended by `/unhold` before: the label says nothing any more.
      return change === 'lift' && answer.outcome === 'refused' ? undefined : answer;
    }
    if (name === 'skip-deploy') return pull.state === 'merged' ? stops.skip(asked, change) : undefined;
    if (name !== 'hotfix') return undefined;
    if (change === 'lift') return endHotfix(asked, this.#parts);
    if (headSha !== undefined && headSha !== pull.headSha)
      return denied('The head moved since the label was put on: look at what is new, then put it on again');
    return hotfix(asked, `label by ${by.login}`, this.#parts);
  }

  /** Each answer costs comments that the host counts: strangers get so many in a while, whoever may write gets all. */
  async #isFlood(host: GitHost, { repository, by }: CommentEvent): Promise<boolean> {
    if (this.#parts.asked.isWithin(`${repository.tenant}/${by.id}`)) return false;
    const permission = await host.permissionOf(repository, by.login);
    return permission !== 'write' && permission !== 'admin';
  }

  async #acknowledge(host: GitHost, { repository, number, commentId }: CommentEvent): Promise<void> {
    try {
      await host.react(repository, number, commentId, 'eyes');
    } catch (error) {
      // Deleted in between, which the next look tells.
      if (!(error instanceof GitHostError) || error.code !== 'not-found') throw error;
    }
  }

  async #close(
    host: GitHost,
    { repository, number, commentId, by }: CommentEvent,
    answers: readonly Answer[],
  ): Promise<{ readonly ignoredBecause?: string }> {
    const texts = answers.flatMap(({ text }) => text ?? []);
    // Where nothing can be reacted with, words say that it was done.
    const said =
      texts.length === 0 && host.capabilities.reactions === 'none'
        ? answers.map(({ why }) => `Done: ${escaped(why)}.`)
        : texts;
    if (said.length > 0) await this.#reply(host, repository, number, commentId, by, said);
    const isDone = answers.every(({ outcome }) => outcome === 'done');
    await host.react(repository, number, commentId, isDone ? 'rocket' : 'confused');
    return {};
  }

  async #reply(
    host: GitHost,
    repository: RepositoryRef,
    number: number,
    key: string,
    by: Person,
    texts: readonly string[],
  ): Promise<void> {
    const marker = answerMarker(key);
    const to = host.capabilities.reactions === 'none' || key.includes('/') ? `${escaped(by.login)}: ` : '';
    await host.ensureComment(repository, number, { marker, body: `${to}${texts.join('\n\n---\n\n')}` }, undefined);
  }

  async #carryOut(command: Command | UnknownCommand, asked: Asked, said: Comment): Promise<Answer> {
    const answer = await this.#answer(command, asked, said);
    if (!questions.has(command.name)) await this.#record(asked, wordsOf(command), answer);
    return answer;
  }

  async #record({ repository, number, by, key, pull }: Asked, what: string, answer: Answer): Promise<void> {
    const { outcome, why, policySha, runId, headSha = pull.headSha } = answer;
    await this.#parts.audit.record(`${key}/${outcome}/${why}`, repository, {
      who: by,
      what,
      outcome,
      // Words for the pull request are Markdown; whoever reads the audit reads them as they are.
      why: unescaped(why),
      number,
      headSha,
      ...(policySha === undefined ? {} : { policySha }),
      ...(runId === undefined ? {} : { runId }),
    });
  }

  async #answer(command: Command | UnknownCommand, asked: Asked, said: Comment): Promise<Answer> {
    const { prompts, deploys, stops } = this.#parts;
    switch (command.name) {
      case 'help':
        return done('help', { text: renderHelp(asked.host.capabilities) });
      case 'unknown':
        return {
          outcome: 'refused',
          why: `no command ${command.text}`,
          text: `There is no command ${code(command.text)}.\n\n${renderHelp(asked.host.capabilities)}`,
        };
      case 'status':
      case 'why': {
        const run = await this.#runOf(asked);
        if (run === undefined) return done('no run', { text: noRun(asked.pull, asked.host) });
        const waits = this.#parts.waitsOf(run.runId);
        const text = command.name === 'status' ? renderStatus(run, waits) : renderWhy(run, command.stage, waits);
        return done(command.name, { text });
      }
      case 'test':
      case 'retry':
      case 'cancel':
        return steer(asked, command, await this.#runOf(asked), noRun(asked.pull, asked.host), this.#parts);
      case 'ok-to-test':
        return consent(asked, command.sha, said.createdAt, this.#parts);
      case 'approve':
        return prompts.byCommand(asked, { type: 'approve' }, command.environment, said);
      case 'reject':
        return prompts.byCommand(asked, { type: 'reject', reason: command.reason }, undefined, said);
      case 'deploy':
      case 'rollback':
        return deploys.ask(asked, command.name, command.environment, command.revision);
      case 'confirm':
        return (await deploys.confirm(asked, said)) ?? refused('Nothing waits to be confirmed here');
      case 'revert':
        return revert(asked, command.environment, this.#parts.revisions);
      case 'hotfix':
        return hotfix(asked, command.reason, this.#parts);
      case 'hold':
        return stops.hold(asked, command.reason, 'put');
      case 'unhold':
        return stops.hold(asked, '', 'lift');
      case 'lock':
        return stops.lock(asked, command.environment, command.reason, 'put');
      case 'unlock':
        return stops.lock(asked, command.environment, '', 'lift');
    }
  }

  /** The newest run of this pull request's head; once it is merged, of what the merge made. */
  async #runOf({ repository, number, pull }: Asked): Promise<Run | undefined> {
    const delivering = this.#parts.loop
      .drivenRuns()
      .find(
        (run) =>
          run.repository.tenant === repository.tenant &&
          run.repository.id === repository.id &&
          placeOf(run) === number &&
          run.trigger.type !== 'pull_request',
      );
    if (delivering !== undefined) return delivering;
    const runs = await this.#parts.runs.find({ repositoryId: repository.id, number }, { limit: 20 });
    const own = runs.filter(({ tenant }) => tenant === repository.tenant);
    const newest =
      own.find(({ trigger }) => trigger === 'push') ??
      own.find(({ trigger, headSha }) => trigger === 'pull_request' && headSha === pull.headSha);
    if (newest === undefined) return undefined;
    return (await this.#parts.loop.runAt(newest.runId, Number.MAX_SAFE_INTEGER))?.run;
  }
}

function wordsOf(command: Command | UnknownCommand): string {
  const { name, ...rest } = command;
  return [name, ...Object.values(rest).filter((word) => word !== undefined && word !== '')].join(' ');
}

function noRun(pull: PullRequest, { capabilities }: GitHost): string {
  const say = capabilities.slashCommandsTaken ? '/slipway ok-to-test' : '/ok-to-test';
  return pull.isFork
    ? `No run of ${code(pull.headSha)}: it comes from a fork and waits for ${code(`${say} ${pull.headSha}`)} by somebody who may write here.`
    : `No run of ${code(pull.headSha)}: no rule of the pipeline matched this pull request.`;
}
