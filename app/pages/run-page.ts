import { html } from 'hono/html';
import { causeOf, noteOf, titleOf } from '../../checks/check-run.ts';
import { describeEvent } from '../../checks/history.ts';
import { duration } from '../../checks/markdown.ts';
import { nextSteps } from '../../checks/next-steps.ts';
import { waitsForPeople } from '../../checks/waiting.ts';
import { attemptOf, type Run, runStatus, stageState } from '../../engine/core/run.ts';
import type { RunEvent } from '../../engine/core/run-events.ts';
import type { Wait } from '../../engine/core/schedule.ts';
import type { Trigger } from '../../engine/core/trigger.ts';
import type { Commit } from '../../engine/ports/event-store.ts';
import { graph, lookOf, stagePath, timeOf } from './graph.ts';
import { type Html, page } from './layout.ts';

const shownEvents = 300;
const maxPlaces = 20;

export interface RunFacts {
  readonly run: Run;
  readonly history: readonly Commit<RunEvent>[];
  readonly waits: readonly Wait[];
  /** The host takes lines that start with `/` for itself. */
  readonly slashCommandsTaken: boolean;
  readonly now: Date;
}

/** A run, whole: what failed first, then its stages, what may be said, what it made, and why it went as it did. */
export function runPage(facts: RunFacts): Html {
  const { run, now } = facts;
  const { owner, name } = run.repository;
  return page({
    title: `${runStatus(run)} · ${run.trigger.title} · ${owner}/${name}`,
    script: 'live.js',
    body: html`${runHead(run, now)}
      <div id="run" ${run.outcome === undefined ? html`data-live` : ''}>
        ${failures(run)}
        <h2>Stages</h2>
        ${graph(run, now)} ${stageTable(facts)} ${artifacts(run)}
      </div>
      <h2>What you can do</h2>
      ${steps(facts)}
      <h2>What happened, and why</h2>
      <div id="history" ${run.outcome === undefined ? html`data-live` : ''}>${history(facts)}</div>`,
  });
}

/** Title, state and place of a run; stands above each of its pages. */
export function runHead(run: Run, now: Date): Html {
  const status = runStatus(run);
  const tone = run.outcome === undefined ? 'busy' : run.outcome === 'SUCCEEDED' ? 'good' : 'bad';
  const { owner, name } = run.repository;
  const took = duration((run.endedAt ?? now).getTime() - run.createdAt.getTime());
  return html`<div class="head" id="head" ${run.outcome === undefined ? html`data-live` : ''}>
    <h1>${run.trigger.title}</h1>
    <p>
      <span class="badge ${tone}">${status.toLowerCase().replace('_', ' ')}</span>
      <strong>${owner}/${name}</strong> ${whatOf(run.trigger)}, commit <code>${run.trigger.headSha.slice(0, 12)}</code>, by
      ${run.trigger.actor.login}
    </p>
    <p class="soft">
      Run <code>${run.runId}</code>, ${run.outcome === undefined ? 'for' : 'took'} ${took}, since
      <time datetime="${run.createdAt.toISOString()}">${minutes(run.createdAt)}</time>
    </p>
  </div>`;
}

function whatOf(trigger: Trigger): string {
  switch (trigger.type) {
    case 'pull_request':
      return `pull request ${trigger.number}`;
    case 'tag':
      return `tag ${trigger.tag}`;
    case 'merge_group':
      return 'merge queue';
    default:
      return trigger.branch;
  }
}

/** The failing lines first: that is what a reader came for. */
function failures(run: Run): readonly Html[] {
  return run.plan.stages.flatMap(({ name }) => {
    const state = stageState(run, name);
    if (state.status !== 'failed') return [];
    const { annotations, excerpt } = state.evidence;
    return [
      html`<section class="box failure" aria-label="Failure of ${name}">
        <h2><a href="${stagePath(run.runId, name)}">${name}</a>: ${titleOf(state)}</h2>
        ${titleOf(state).startsWith(causeOf(state.cause)) ? '' : html`<p>${causeOf(state.cause)}</p>`}
        ${
          annotations.length === 0
            ? ''
            : html`<ul>
              ${annotations.slice(0, maxPlaces).map(({ path, line, title }) => html`<li><code>${path}:${line}</code> ${title}</li>`)}
            </ul>`
        }
        ${excerpt.length === 0 ? '' : html`<pre tabindex="0" role="region" aria-label="Failing lines of ${name}">${excerpt.join('\n')}</pre>`}
        <p><a href="${stagePath(run.runId, name)}">The whole log of ${name}</a></p>
      </section>`,
    ];
  });
}

function stageTable({ run, waits, now }: RunFacts): Html {
  return html`<table class="stages">
    <thead><tr><th scope="col">Stage</th><th scope="col">State</th><th scope="col">Time</th></tr></thead>
    <tbody>
      ${run.plan.stages.map(({ name, needs }) => {
        const state = stageState(run, name);
        const { tone, sign } = lookOf(state);
        const open = needs.filter((need) => stageState(run, need).status !== 'succeeded');
        const waiting =
          waitsForPeople(run, name) ??
          waits.find(({ stage }) => stage === name)?.reason ??
          (state.status === 'waiting' && open.length > 0 ? `Waits for ${open.join(', ')}` : undefined);
        const tries = attemptOf(state) > 1 ? `, attempt ${attemptOf(state)}` : '';
        return html`<tr>
          <th scope="row"><span class="${tone}" aria-hidden="true">${sign}</span>&nbsp;<a href="${stagePath(run.runId, name)}">${name}</a></th>
          <td>${waiting ?? noteOf(state)}${tries}</td>
          <td class="time">${timeOf(state, now)}</td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

function artifacts(run: Run): Html | string {
  const made = run.plan.stages.flatMap(({ name }) => {
    const state = stageState(run, name);
    return state.status === 'succeeded' ? state.artifacts.map((artifact) => ({ ...artifact, stage: name })) : [];
  });
  if (made.length === 0) return '';
  return html`<h2>Artifacts</h2>
    <ul class="box plain rows">
      ${made.map(({ name, digest, bytes, stage }) => html`<li><strong>${name}</strong> of ${stage}, ${sizeOf(bytes)}<br /><code class="soft">${digest}</code></li>`)}
    </ul>`;
}

function steps({ run, slashCommandsTaken }: RunFacts): Html {
  const prefix = slashCommandsTaken ? '/slipway ' : '/';
  const inPull = run.trigger.type === 'pull_request' || (run.trigger.type === 'push' && run.trigger.pullRequest);
  const failed = run.plan.stages.find(({ name }) => stageState(run, name).status === 'failed')?.name;
  const commands = [
    `slipway why ${run.runId}`,
    `slipway logs ${run.runId}${failed === undefined ? '' : ` "${failed}"`}`,
    run.outcome === undefined
      ? `slipway cancel ${run.runId}`
      : run.outcome === 'SUCCEEDED'
        ? `slipway show ${run.runId} --events`
        : `slipway retry ${run.runId}`,
  ];
  return html`<div class="box">
    ${
      inPull
        ? html`<p>In the pull request:</p>
          <ul>
            ${nextSteps(run).map(({ command, does, who }) => html`<li><code>${prefix}${command}</code> ${does} <span class="soft">(${who})</span></li>`)}
          </ul>`
        : ''
    }
    <p>On the command line, for who runs Slipway:</p>
    <pre tabindex="0" role="region" aria-label="Commands">${commands.join('\n')}</pre>
  </div>`;
}

function history({ run, history: commits }: RunFacts): Html {
  const events = commits.flatMap(({ version, events: batch }) => batch.map((event) => ({ version, event })));
  const left = events.length - shownEvents;
  return html`<ol class="box plain rows">
      ${events
        .slice(-shownEvents)
        .map(
          ({ version, event }) =>
            html`<li id="e${version}"><time class="soft" datetime="${event.at.toISOString()}">+${duration(event.at.getTime() - run.createdAt.getTime())}</time> ${describeEvent(event)}</li>`,
        )}
    </ol>
    ${left > 0 ? html`<p class="soft">${left} older ones: <code>slipway show ${run.runId} --events</code></p>` : ''}`;
}

function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function minutes(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
