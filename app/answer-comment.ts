import { renderHelp, renderStatus, renderWhy } from '../checks/answer.ts';
import { type Command, parseCommands, type UnknownCommand } from '../checks/command.ts';
import { code, escaped } from '../checks/markdown.ts';
import type { Run } from '../engine/core/run.ts';
import type { Wait } from '../engine/core/schedule.ts';
import { type CommentEvent, isSha, type PullRequestTrigger } from '../engine/core/trigger.ts';
import type { RunList } from '../engine/ports/run-list.ts';
import type { RunLoop } from '../engine/run-loop.ts';
import type { GitHost, PullRequest } from '../providers/git-host.ts';
import type { StartRun } from './start-run.ts';

/** What became of a command: done without words, or words for who asked. */
type Answer = { readonly isDone: boolean; readonly text?: string };

const canWrite = new Set(['admin', 'write']);

/** Answers commands in pull requests: at once by a reaction, then by what was done or a reply. */
export class AnswerComment {
  readonly #loop: RunLoop;
  readonly #runs: RunList;
  readonly #start: StartRun;
  readonly #hosts: (provider: string) => GitHost;
  readonly #waitsOf: (runId: string) => readonly Wait[];

  constructor(parts: {
    readonly loop: RunLoop;
    readonly runs: RunList;
    readonly start: StartRun;
    readonly hosts: (provider: string) => GitHost;
    readonly waitsOf: (runId: string) => readonly Wait[];
  }) {
    this.#loop = parts.loop;
    this.#runs = parts.runs;
    this.#start = parts.start;
    this.#hosts = parts.hosts;
    this.#waitsOf = parts.waitsOf;
  }

  /**
   * Doing it again for the same comment gives the same answer in the same place.
   * @throws GitHostError when the host cannot be asked: nothing was allowed then, and it is tried again
   */
  async answer(event: CommentEvent): Promise<{ readonly ignoredBecause?: string }> {
    const { repository, number, commentId } = event;
    const host = this.#hosts(repository.provider);
    const commands = parseCommands(event.body, host.capabilities);
    if (commands.length === 0) return { ignoredBecause: 'the comment holds no command' };
    const pull = await host.pullRequest(repository, number);
    if (pull === undefined) return { ignoredBecause: 'the comment is on no pull request' };
    await host.react(repository, number, commentId, 'eyes');
    const answers: Answer[] = [];
    for (const [index, command] of commands.entries())
      answers.push(await this.#carryOut(command, event, pull, host, `${commentId}/${index}`));
    const texts = answers.flatMap(({ text }) => text ?? []);
    if (texts.length > 0) {
      const marker = `<!-- slipway answer ${commentId.replaceAll(/[^\w-]/g, '')} -->`;
      const to = host.capabilities.reactions === 'none' ? `${escaped(event.by.login)}: ` : '';
      await host.ensureComment(repository, number, { marker, body: `${to}${texts.join('\n\n---\n\n')}` }, undefined);
    }
    await host.react(repository, number, commentId, answers.every(({ isDone }) => isDone) ? 'rocket' : 'confused');
    return {};
  }

  async #carryOut(
    command: Command | UnknownCommand,
    event: CommentEvent,
    pull: PullRequest,
    host: GitHost,
    key: string,
  ): Promise<Answer> {
    switch (command.name) {
      case 'help':
        return { isDone: true, text: renderHelp() };
      case 'unknown':
        return { isDone: false, text: `There is no command ${code(command.text)}.\n\n${renderHelp()}` };
      case 'status':
      case 'why': {
        const run = await this.#runOf(event, pull);
        if (run === undefined) return { isDone: true, text: noRun(pull) };
        const waits = this.#waitsOf(run.runId);
        return {
          isDone: true,
          text: command.name === 'status' ? renderStatus(run, waits) : renderWhy(run, command.stage, waits),
        };
      }
      case 'test':
      case 'retry':
      case 'cancel':
      case 'ok-to-test': {
        // Asked at this moment, of the host itself: rights may be gone a second later.
        const permission = await host.permissionOf(event.repository, event.by.login);
        if (!canWrite.has(permission))
          return {
            isDone: false,
            text: `${code(`/${command.name}`)} needs the right to write to this repository; ${escaped(event.by.login)} has: ${permission}.`,
          };
        if (command.name === 'ok-to-test') return this.#consent(command.sha, event, pull, host, key);
        return this.#steer(command, event, pull);
      }
    }
  }

  async #steer(
    command: Extract<Command, { name: 'test' | 'retry' | 'cancel' }>,
    event: CommentEvent,
    pull: PullRequest,
  ): Promise<Answer> {
    const run = await this.#runOf(event, pull);
    if (run === undefined) return { isDone: false, text: noRun(pull) };
    const sent = await this.#loop.send(
      run.runId,
      command.name === 'cancel'
        ? { type: 'CancelRun', by: event.by, reason: `cancelled by ${event.by.login}` }
        : {
            type: 'RetryStages',
            by: event.by,
            stages: 'stage' in command && command.stage !== undefined ? [command.stage] : 'failed',
          },
    );
    return sent.ok ? { isDone: true } : { isDone: false, text: `${escaped(sent.reason)}.` };
  }

  /** Lets a fork's run go, for exactly the head that the person names and that still is the head. */
  async #consent(
    sha: string | undefined,
    event: CommentEvent,
    pull: PullRequest,
    host: GitHost,
    key: string,
  ): Promise<Answer> {
    if (!pull.isFork)
      return { isDone: false, text: 'This pull request comes from this repository: it needs no consent.' };
    const line = `\n\n\`\`\`\n/ok-to-test ${pull.headSha}\n\`\`\``;
    if (sha === undefined || !isSha(sha))
      return {
        isDone: false,
        text: `Read the change, then name its full head, so that nothing else is let go:${line}`,
      };
    if (sha !== pull.headSha)
      return { isDone: false, text: `${code(sha)} is not the head any more. Read what is new, then:${line}` };
    const trigger: PullRequestTrigger = {
      type: 'pull_request',
      action: 'updated',
      repository: event.repository,
      defaultBranch: pull.baseRef,
      // Whose change it is: who lets it go has not made it.
      actor: { login: pull.author, id: pull.authorId },
      title: pull.title,
      headSha: pull.headSha,
      number: pull.number,
      author: { login: pull.author, id: pull.authorId },
      headRef: pull.headRef,
      isFork: true,
      consentBy: event.by,
      baseRef: pull.baseRef,
      baseSha: pull.baseSha,
      isDraft: pull.isDraft,
      labels: await host.labels(event.repository, pull.number),
    };
    const started = await this.#start.start(
      trigger,
      `${event.repository.tenant}/${event.repository.id}/consent/${key}`,
    );
    switch (started.outcome) {
      case 'run':
        return { isDone: true };
      case 'ignored':
        return { isDone: false, text: `Nothing runs: ${escaped(started.because)}.` };
      case 'mistakes':
        return { isDone: false, text: 'The pipeline file of the base branch has mistakes: see the check.' };
    }
  }

  /** The newest run of this pull request's head, as its events tell it. */
  async #runOf({ repository, number }: CommentEvent, pull: PullRequest): Promise<Run | undefined> {
    const runs = await this.#runs.find({ repositoryId: repository.id, number }, { limit: 20 });
    const newest = runs.find(({ tenant, headSha }) => tenant === repository.tenant && headSha === pull.headSha);
    if (newest === undefined) return undefined;
    return (await this.#loop.runAt(newest.runId, Number.MAX_SAFE_INTEGER))?.run;
  }
}

function noRun(pull: PullRequest): string {
  return pull.isFork
    ? `No run of ${code(pull.headSha)}: it comes from a fork and waits for \`/ok-to-test ${pull.headSha}\` by somebody who may write here.`
    : `No run of ${code(pull.headSha)}: no rule of the pipeline matched this pull request.`;
}
