import { html } from 'hono/html';
import { duration } from '../../checks/markdown.ts';
import type { RunSummary } from '../../engine/ports/run-list.ts';
import { type Html, page } from './layout.ts';

/** The newest runs that the viewer may see. */
export function runListPage(runs: readonly RunSummary[], now: Date): Html {
  return page({
    title: 'Runs',
    script: 'live.js',
    body: html`<h1>Runs</h1>
      <div id="runs" data-live>
        ${
          runs.length === 0
            ? html`<p class="soft">None yet of repositories that you may read. A push, or a pull request, starts one.</p>`
            : html`<ul class="box plain rows">
              ${runs.map((run) => {
                const tone = run.hasEnded ? (run.status === 'SUCCEEDED' ? 'good' : 'bad') : 'busy';
                const place = run.number === undefined ? run.ref : `pull request ${run.number}`;
                const took = duration((run.endedAt ?? now).getTime() - run.createdAt.getTime());
                return html`<li>
                  <span class="badge ${tone}">${run.status.toLowerCase().replace('_', ' ')}</span>
                  <a href="/runs/${run.runId}">${run.title === '' ? run.runId : run.title}</a>
                  <span class="soft">${run.repository} ${place} · <code>${run.headSha.slice(0, 7)}</code> · ${took}</span>
                </li>`;
              })}
            </ul>`
        }
      </div>`,
  });
}
