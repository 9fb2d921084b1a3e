import { styleText } from 'node:util';
import { attemptOf, isActive, type Run, runStatus, type StageState } from '../../engine/core/run.ts';
import type { Trigger } from '../../engine/core/trigger.ts';
import { terminalText } from './log-text.ts';

type Style = Parameters<typeof styleText>[0];

/** Colours text when the stream is a terminal that wants colours. */
export type Paint = (style: Style, text: string) => string;

export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(style, text, { stream });
}

const icons: Readonly<Record<StageState['status'], { readonly icon: string; readonly style: Style }>> = {
  waiting: { icon: '·', style: 'gray' },
  scheduled: { icon: '◌', style: 'cyan' },
  running: { icon: '●', style: 'cyan' },
  succeeded: { icon: '✓', style: 'green' },
  failed: { icon: '✗', style: 'red' },
  skipped: { icon: '–', style: 'gray' },
  cancelled: { icon: '■', style: 'yellow' },
};

/** One line about what started the run. */
function describeTrigger(trigger: Trigger): string {
  const { owner, name } = trigger.repository;
  const what = {
    push: () => (trigger.type === 'push' ? trigger.branch : ''),
    tag: () => (trigger.type === 'tag' ? `tag ${trigger.tag}` : ''),
    pull_request: () => (trigger.type === 'pull_request' ? `pull request #${trigger.number}` : ''),
    merge_group: () => (trigger.type === 'merge_group' ? `merge queue of ${trigger.baseRef}` : ''),
    manual: () => (trigger.type === 'manual' ? `${trigger.branch} (by hand)` : ''),
    schedule: () => (trigger.type === 'schedule' ? `${trigger.branch} (schedule ${trigger.schedule})` : ''),
  }[trigger.type]();
  return `${owner}/${name} ${what} ${trigger.headSha.slice(0, 7)}`;
}

/** A stage a line: state, name, time, and what a reader wants to know of it. */
export function stageLines(run: Run, now: Date, paint: Paint): readonly string[] {
  const width = Math.max(...run.plan.stages.map(({ name }) => name.length));
  return run.plan.stages.map((stage) => {
    const state = run.stages[stage.name] ?? { status: 'waiting', attempt: 1 };
    const { icon, style } = icons[state.status];
    const time = durationOf(state, now);
    const note = noteOf(run, stage.name, state);
    return `  ${paint(style, icon)} ${stage.name.padEnd(width)}  ${(time === undefined ? '' : formatDuration(time)).padStart(7)}  ${paint('gray', note)}`.trimEnd();
  });
}

export function headLine(run: Run, paint: Paint): string {
  const status = runStatus(run);
  const style: Style = status === 'SUCCEEDED' ? 'green' : run.outcome === undefined ? 'cyan' : 'red';
  return `${paint(['bold', style], status.padEnd(11))} ${describeTrigger(run.trigger)}  ${paint('gray', `run ${run.runId}`)}`;
}

/** The failing lines of a run's failed stages, with the places they point at. */
export function failureLines(run: Run, paint: Paint): readonly string[] {
  return run.plan.stages.flatMap(({ name }) => {
    const state = run.stages[name];
    if (state?.status !== 'failed') return [];
    const places = state.evidence.annotations
      .slice(0, 10)
      .map(({ path, line, title }) => `    ${paint('cyan', `${path}:${line}`)}  ${title}`);
    const excerpt = state.evidence.excerpt.map((line) => `    ${paint('gray', '│')} ${line}`);
    // The stage's own line says the cause already.
    if (places.length + excerpt.length === 0) return [];
    return [`  ${paint('red', `${name}: ${describeCause(state.cause)}`)}`, ...places, ...excerpt];
  });
}

function durationOf(state: StageState, now: Date): number | undefined {
  if (state.status === 'running') return now.getTime() - state.startedAt.getTime();
  return state.status === 'succeeded' || state.status === 'failed' ? state.durationMs : undefined;
}

function noteOf(run: Run, stage: string, state: StageState): string {
  switch (state.status) {
    case 'waiting': {
      if (state.retryReason !== undefined) return `again after ${state.retryReason}`;
      const needs = run.plan.stages.find(({ name }) => name === stage)?.needs ?? [];
      const open = needs.filter((need) => run.stages[need]?.status !== 'succeeded');
      return open.length === 0 ? 'waits for a slot' : `after ${open.join(', ')}`;
    }
    case 'scheduled':
      return 'starts';
    case 'running':
      return state.attempt > 1 ? `attempt ${state.attempt}` : '';
    case 'succeeded':
      return [
        state.tests === undefined
          ? undefined
          : `${state.tests.passed} test${state.tests.passed === 1 ? '' : 's'} passed`,
        ...state.artifacts.map(({ name, digest }) => `${name} ${digest.slice(0, 19)}`),
        state.deployed === undefined
          ? undefined
          : `revision ${state.deployed.revision} in ${state.deployed.environment} ${state.deployed.url ?? ''}`,
      ]
        .filter((part) => part !== undefined)
        .join(', ');
    case 'failed': {
      const cause = describeCause(state.cause);
      const to = state.rolledBackTo?.revision;
      const back = to === undefined || cause.includes(`Revision ${to} `) ? '' : `, rolled back to revision ${to}`;
      const tests =
        state.tests === undefined
          ? ''
          : `${state.tests.failed} of ${state.tests.failed + state.tests.passed} ${state.tests.failed + state.tests.passed === 1 ? 'test' : 'tests'} failed, `;
      return `${tests}${cause}${back}`;
    }
    case 'skipped':
    case 'cancelled':
      return state.reason;
  }
}

/** Why a stage failed, in a few words. */
export function describeCause(cause: Extract<StageState, { status: 'failed' }>['cause']): string {
  switch (cause.type) {
    case 'command':
      return `exit code ${cause.exitCode}`;
    case 'timed-out':
      return `stopped after ${formatDuration(cause.afterMs)}`;
    case 'out-of-memory':
      return 'out of memory';
    case 'not-ready':
    case 'configuration':
    case 'infrastructure':
      return cause.message;
  }
}

/** `850 ms`, `1.2 s`, `3 min 04 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** Shows runs as they go: redrawn in place on a terminal, a line per stage that ended elsewhere. */
export class RunView {
  readonly #stream: NodeJS.WriteStream;
  readonly #paint: Paint;
  readonly #told = new Map<string, string>();
  #current: Run | undefined;
  #drawn = 0;
  #ticker: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#paint = paintFor(stream);
  }

  show(run: Run): void {
    if (this.#stream.isTTY) this.#redraw(run);
    else this.#tell(run);
  }

  /** Prints lines above whatever is drawn. */
  say(...lines: readonly string[]): void {
    this.#erase();
    this.#write(lines);
    if (this.#current !== undefined) this.#draw(this.#current);
  }

  #write(lines: readonly string[]): void {
    for (const line of lines) this.#stream.write(`${terminalText(line, this.#stream.isTTY === true)}\n`);
  }

  stop(): void {
    clearInterval(this.#ticker);
  }

  #redraw(run: Run): void {
    if (this.#current !== undefined && this.#current.runId !== run.runId) {
      this.#drawn = 0;
      this.#current = undefined;
    }
    this.#erase();
    this.#draw(run);
    this.#current = run.outcome === undefined ? run : undefined;
    if (run.outcome !== undefined) this.#drawn = 0;
    clearInterval(this.#ticker);
    if (this.#current === undefined) return;
    this.#ticker = setInterval(() => this.#current !== undefined && this.#redraw(this.#current), 250);
    this.#ticker.unref();
  }

  #erase(): void {
    if (this.#drawn > 0) this.#stream.write(`\u001b[${this.#drawn}A\u001b[0J`);
    this.#drawn = 0;
  }

  #draw(run: Run): void {
    const lines = [
      headLine(run, this.#paint),
      ...stageLines(run, new Date(), this.#paint),
      ...(run.outcome === undefined ? [] : failureLines(run, this.#paint)),
    ];
    const columns = this.#stream.columns;
    this.#write(lines);
    this.#drawn = lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(visibleLength(line) / columns)), 0);
  }

  #tell(run: Run): void {
    const status = runStatus(run);
    const head = headLine(run, this.#paint);
    if (this.#told.get(run.runId) === undefined) this.#write([head]);
    const lines = stageLines(run, new Date(), this.#paint);
    run.plan.stages.forEach(({ name }, index) => {
      const state = run.stages[name];
      if (state === undefined || state.status === 'waiting' || isActive(state)) return;
      const key = `${run.runId}/${name}`;
      const mark = `${state.status}/${attemptOf(state)}`;
      if (this.#told.get(key) !== mark) this.#write(lines.slice(index, index + 1));
      this.#told.set(key, mark);
    });
    if (run.outcome !== undefined && this.#told.get(run.runId) !== status) {
      this.#write([...failureLines(run, this.#paint), head]);
    }
    this.#told.set(run.runId, status);
  }
}

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

function visibleLength(line: string): number {
  return line.replaceAll(escapes, '').length;
}
