import { html } from 'hono/html';
import { titleOf } from '../../checks/check-run.ts';
import { type Run, stageState } from '../../engine/core/run.ts';
import type { LogPlace } from '../read-runs.ts';
import { styledLine } from './ansi.ts';
import { lookOf, stagePath } from './graph.ts';
import { type Html, page } from './layout.ts';
import { runHead } from './run-page.ts';

/** More than anybody reads at once; what is before is a click away. */
export const shownLines = 2_000;
const maxLineChars = 4_000;

/** Lines of a log, the first of them the `firstLine`-th from 0. */
export interface LogPart {
  readonly firstLine: number;
  readonly lines: readonly string[];
  /** There is more after it. */
  readonly isCut: boolean;
}

/** A stage of a run with its log: live while it runs. */
export function stagePage(facts: {
  readonly run: Run;
  readonly stage: string;
  readonly place: LogPlace;
  readonly log: LogPart;
  readonly now: Date;
}): Html {
  const { run, stage, place, log, now } = facts;
  const { ref, latestAttempt, isOver } = place;
  const state = stageState(run, stage);
  const { tone, sign } = lookOf(state);
  const path = stagePath(run.runId, stage);
  const query = (from: number) => `?attempt=${ref.attempt}&from=${from}`;
  const next = log.firstLine + log.lines.length;
  const earlier = Math.max(0, log.firstLine - shownLines);
  return page({
    title: `${stage}: ${titleOf(state)} · ${run.repository.owner}/${run.repository.name}`,
    script: 'log.js',
    body: html`<nav aria-label="Run"><a href="/runs/${run.runId}">← The whole run</a></nav>
      ${runHead(run, now)}
      <h2><span class="${tone}" aria-hidden="true">${sign}</span> ${stage}: ${titleOf(state)}</h2>
      <p class="bar">
        ${
          latestAttempt > 1
            ? html`<span>Attempts: ${Array.from({ length: latestAttempt }, (_, index) => index + 1).map((attempt) =>
                attempt === ref.attempt
                  ? html`<strong>${attempt}</strong> `
                  : html`<a href="${path}?attempt=${attempt}">${attempt}</a> `,
              )}</span>`
            : ''
        }
        ${log.firstLine > 0 ? html`<a href="${path}${query(earlier)}">Lines ${earlier + 1} to ${log.firstLine}</a>` : ''}
        ${log.isCut ? html`<a href="${path}${query(next)}">What comes after line ${next}</a>` : ''}
        <a href="${path}/log.txt?attempt=${ref.attempt}">As text</a>
      </p>
      <div class="log" tabindex="0" role="region" aria-label="Log of ${stage}">
        <table
          id="log"
          data-first="${log.firstLine}"
          data-page="${path}?attempt=${ref.attempt}"
          ${isOver || log.isCut ? '' : html`data-stream="${path}/lines${query(next)}"`}
        >
          <tbody>${logRows(log)}</tbody>
        </table>
        ${log.lines.length === 0 ? html`<p class="soft" id="empty">${isOver ? 'It printed nothing.' : 'Nothing yet.'}</p>` : ''}
      </div>
      <p class="soft" id="following" role="status">${isOver ? '' : 'It goes on: new lines come by themselves.'}</p>`,
  });
}

/** Rows of the log's table: each line can be linked to. */
export function logRows({ firstLine, lines }: Pick<LogPart, 'firstLine' | 'lines'>): Html {
  return html`${lines.map((line, index) => {
    const number = firstLine + index + 1;
    const isCut = line.length > maxLineChars;
    return html`<tr id="L${number}"><td class="ln"><a href="#L${number}">${number}</a></td><td>${styledLine(
      line.slice(0, maxLineChars),
    ).map(({ text, styles }) =>
      styles.length === 0
        ? text
        : html`<span class="${styles.map((style) => `ansi-${style}`).join(' ')}">${text}</span>`,
    )}${isCut ? html`<span class="soft"> … ${line.length - maxLineChars} more characters</span>` : ''}</td></tr>`;
  })}`;
}
