import type { PlannedStage } from '../engine/core/pipeline.ts';
import { memoryForAttempt } from '../engine/core/retry.ts';
import { type Run, type StageState, stageState } from '../engine/core/run.ts';
import type { Annotation, FailureCause, LogSummary } from '../engine/core/run-events.ts';
import type { PullRequestTrigger, Trigger } from '../engine/core/trigger.ts';
import type { CheckAnnotation, CheckRun } from '../providers/git-host.ts';
import { clipped, code, codeBlock, duration, escaped, plain } from './markdown.ts';
import { waitsForPeople } from './waiting.ts';

/** Lets a fork's run go, as `/ok-to-test` with the commit that the check stands on does. */
export const consentButton = 'ok-to-test';
/** Our ids of the checks that stand on a commit without a run of it. */
export const consentCheck = 'consent';
export const mistakesCheck = 'pipeline';

const maxAnnotations = 100;
const maxTitleChars = 200;
const maxCheckTextBytes = 60_000;

/** A mistake in a pipeline file, as the parser tells it. */
export interface FileMistake {
  readonly line: number;
  readonly column: number;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

function checkName(stage: string): string {
  return `slipway / ${plain(stage)}`;
}

/**
 * What a stage shows on the commit.
 * @param waitsFor what keeps its pod from starting
 */
export function renderCheck(run: Run, stage: PlannedStage, waitsFor?: string): CheckRun {
  const state = stageState(run, stage.name);
  return {
    name: checkName(stage.name),
    externalId: `${run.runId}/${stage.name}`.slice(0, 250),
    ...branchOf(run.trigger),
    state: checkState(run, state),
    title: plain(
      waitsForPeople(run, stage.name) ??
        (waitsFor === undefined || state.status !== 'scheduled' ? titleOf(state) : `Waiting: ${waitsFor}`),
    ).slice(0, maxTitleChars),
    summary: clipped(summaryOf(run, stage, state, waitsFor), maxCheckTextBytes),
    annotations: (state.status === 'failed'
      ? state.evidence.annotations
      : state.status === 'succeeded'
        ? state.annotations
        : []
    )
      .slice(0, maxAnnotations)
      .map(toCheckAnnotation),
  };
}

/** A pipeline file that cannot be used: a failed check that stands on each wrong line. */
export function renderMistakes(trigger: Trigger, path: string, mistakes: readonly FileMistake[], at: Date): CheckRun {
  const count = `${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}`;
  const list = mistakes
    .slice(0, 50)
    .map(
      ({ line, column, what, why, fix }) =>
        `- ${code(`${path}:${line}:${column}`)} **${escaped(what)}**. ${escaped(why)}. ${escaped(fix)}.`,
    );
  return {
    name: 'slipway / pipeline',
    externalId: mistakesCheck,
    ...branchOf(trigger),
    state: { status: 'completed', conclusion: 'failure', startedAt: at, completedAt: at },
    title: `${count} in ${path}: nothing was run`,
    summary: clipped(
      `Nothing was run, since ${code(path)} cannot be used.\n\n${list.join('\n')}\n\nTry it before you push: \`slipway validate\``,
      maxCheckTextBytes,
    ),
    annotations: mistakes.slice(0, maxAnnotations).map(({ line, what, why, fix }) => ({
      path,
      startLine: line,
      endLine: line,
      level: 'failure',
      title: plain(what).slice(0, 255),
      message: `${plain(why)}. ${plain(fix)}.`,
    })),
  };
}

/** A fork's run waits until somebody who may write lets this very head go. */
export function renderConsent({ headSha, consentBy }: PullRequestTrigger, at: Date): CheckRun {
  const facts = { name: 'slipway / consent', externalId: consentCheck, annotations: [] };
  if (consentBy !== undefined)
    return {
      ...facts,
      state: { status: 'completed', conclusion: 'success', startedAt: at, completedAt: at },
      title: `Let go by ${plain(consentBy.login)}`,
      summary: `${escaped(consentBy.login)} let the run of ${code(headSha)} go. A new push waits again.`,
    };
  return {
    ...facts,
    state: { status: 'completed', conclusion: 'action_required', startedAt: at, completedAt: at },
    title: 'Waits for consent: it comes from a fork',
    buttons: [
      { id: consentButton, label: 'Let this head run', description: 'You read it: this commit, nothing later' },
    ],
    summary: `A stranger's commands never run unasked. Somebody who may write here reads the change, then comments:\n\n${codeBlock([`/ok-to-test ${headSha}`])}\n\nThat lets this head go and nothing later. The pipeline, and all it may reach, comes from the base branch.`,
  };
}

/** Where the commit is at the head of a branch of the repository itself. */
function branchOf(trigger: Trigger): { readonly branch?: string } {
  if (trigger.type === 'pull_request') return trigger.isFork ? {} : { branch: trigger.headRef };
  return trigger.type === 'push' ? { branch: trigger.branch } : {};
}

function checkState(run: Run, state: StageState): CheckRun['state'] {
  switch (state.status) {
    case 'waiting':
    case 'scheduled':
      return { status: 'queued' };
    case 'running':
      return { status: 'in_progress', startedAt: state.startedAt };
    case 'succeeded':
      return { status: 'completed', conclusion: 'success', ...span(state.endedAt, state.durationMs) };
    case 'failed':
      return {
        status: 'completed',
        conclusion: state.cause.type === 'timed-out' ? 'timed_out' : 'failure',
        ...span(state.endedAt, state.durationMs),
      };
    case 'skipped':
      return { status: 'completed', conclusion: 'skipped', ...span(run.endedAt ?? run.createdAt, 0) };
    case 'cancelled':
      return { status: 'completed', conclusion: 'cancelled', ...span(state.endedAt, 0) };
  }
}

function span(endedAt: Date, durationMs: number): { readonly startedAt: Date; readonly completedAt: Date } {
  return { startedAt: new Date(endedAt.getTime() - durationMs), completedAt: endedAt };
}

/** One line that tells a stage's state. */
export function titleOf(state: StageState): string {
  switch (state.status) {
    case 'waiting':
      return state.retryReason === undefined ? 'Waiting' : `Trying again: ${state.retryReason}`;
    case 'scheduled':
      return 'Starting';
    case 'running':
      return state.attempt > 1 ? `Running, attempt ${state.attempt}` : 'Running';
    case 'succeeded': {
      const parts = [
        state.tests === undefined
          ? undefined
          : `${state.tests.passed} test${state.tests.passed === 1 ? '' : 's'} passed`,
        state.deployed === undefined
          ? undefined
          : `Revision ${state.deployed.revision} is live in ${state.deployed.environment}`,
      ].filter((part) => part !== undefined);
      return parts.length > 0
        ? `${parts.join(', ')} in ${duration(state.durationMs)}`
        : `Passed in ${duration(state.durationMs)}`;
    }
    case 'failed': {
      const back = state.rolledBackTo === undefined ? '' : `; rolled back to revision ${state.rolledBackTo.revision}`;
      const { tests } = state;
      if (tests !== undefined && tests.failed > 0)
        return `${tests.failed} of ${tests.failed + tests.passed} ${tests.failed + tests.passed === 1 ? 'test' : 'tests'} failed${back}`;
      return `${causeOf(state.cause)}${back}`;
    }
    case 'skipped':
      return `Skipped: ${state.reason}`;
    case 'cancelled':
      return `Cancelled: ${state.reason}`;
  }
}

/** The same without the time, where that stands beside it. */
export function noteOf(state: StageState): string {
  return titleOf(state).replace(/ in \d[\d.]* (?:ms|s|min \d+ s)$/, '');
}

/** A failure in a few words, fit for a check's title. */
export function causeOf(cause: FailureCause): string {
  switch (cause.type) {
    case 'command':
      return `Exit code ${cause.exitCode}`;
    case 'timed-out':
      return `Stopped after ${duration(cause.afterMs)}, its timeout`;
    case 'out-of-memory':
      return `Out of memory at ${mebibytes(cause.limitBytes)}`;
    case 'not-ready':
      return cause.message;
    case 'configuration':
      return cause.message;
    case 'infrastructure':
      return `Not this change's fault: ${cause.message}`;
  }
}

/** What a stage needed beyond what it asks for: told until its author asks for it. */
function missingNote({ missing }: LogSummary): readonly string[] {
  return missing === undefined ? [] : [`Its log is not whole: ${escaped(missing)}.`];
}

function memoryNote(run: Run, stage: PlannedStage, state: StageState): readonly string[] {
  const earlier = run.failures[stage.name] ?? [];
  if (!earlier.includes('out-of-memory')) return [];
  const asked = mebibytes(stage.resources.memoryBytes);
  const isShort = state.status === 'failed' && state.cause.type === 'out-of-memory';
  const given = memoryForAttempt(stage, isShort ? earlier.slice(0, -1) : earlier);
  const next = isShort ? given * 2 : given;
  return [
    `It ran out of the ${asked} of memory that it asks for${given > stage.resources.memoryBytes ? ` and was tried once more with ${mebibytes(given)}` : ''}. Let it use less, or ask for more: ${code(`resources: { memory: ${Math.ceil(next / 2 ** 20)}Mi }`)}.`,
  ];
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

function summaryOf(run: Run, stage: PlannedStage, state: StageState, waitsFor: string | undefined): string {
  const memory = memoryNote(run, stage, state);
  const facts = `Run ${code(run.runId)}, commit ${code(run.trigger.headSha.slice(0, 12))}`;
  switch (state.status) {
    case 'failed': {
      const places = state.evidence.annotations
        .slice(0, 10)
        .map(({ path, line, title }) => `- ${code(`${path}:${line}`)} ${escaped(title)}`);
      return [
        `**${escaped(causeOf(state.cause))}**${state.rolledBackTo === undefined ? '' : ` Revision ${state.rolledBackTo.revision} (${code(state.rolledBackTo.digest.slice(0, 19))}) serves again.`}`,
        ...memory,
        ...(places.length > 0 ? [places.join('\n')] : []),
        ...(state.evidence.excerpt.length > 0 ? [codeBlock(state.evidence.excerpt)] : []),
        stage.deploy === undefined
          ? `The whole log: \`slipway logs ${run.runId} "${plain(stage.name)}"\`. On your machine: \`slipway run\``
          : '',
        ...missingNote(state.log),
        `${facts}, attempt ${state.attempt}`,
      ]
        .filter((part) => part !== '')
        .join('\n\n');
    }
    case 'succeeded': {
      const artifacts = state.artifacts.map(
        ({ name, digest, bytes }) => `- ${escaped(name)}: ${code(digest)}, ${Math.ceil(bytes / 1_024)} kB`,
      );
      const deployed =
        state.deployed === undefined
          ? []
          : [
              `Revision ${state.deployed.revision} of ${escaped(state.deployed.environment)}: ${code(state.deployed.digest)}${state.deployed.url === undefined ? '' : `, at ${state.deployed.url}`}`,
            ];
      return [
        ...deployed,
        ...memory,
        ...(artifacts.length > 0 ? [artifacts.join('\n')] : []),
        ...missingNote(state.log),
        facts,
      ].join('\n\n');
    }
    case 'skipped':
    case 'cancelled':
      return `${escaped(state.reason)}\n\n${facts}`;
    case 'scheduled':
      return [...(waitsFor === undefined ? [] : [`Waits for its pod: ${escaped(waitsFor)}`]), ...memory, facts].join(
        '\n\n',
      );
    case 'waiting':
    case 'running':
      return [...memory, facts].join('\n\n');
  }
}

function toCheckAnnotation({ path, line, level, title, message }: Annotation): CheckAnnotation {
  return {
    path,
    startLine: line,
    endLine: line,
    level,
    title: plain(title).slice(0, 255),
    message: clipped(message, 4_000),
  };
}
