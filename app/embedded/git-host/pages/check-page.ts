import { html } from 'hono/html';
import { covers, roleOf } from '../access/authorize.ts';
import type { CheckRun } from '../check-entities.ts';
import type { Repository } from '../entities.ts';
import { fullNameOf, type Host } from '../host.ts';
import { detailsHref, detailsOf, durationOf } from './checks-part.ts';
import { annotationCard } from './diff.ts';
import { checkTone, checkWords, sign } from './icons.ts';
import { csrfField, page, repositoryHead } from './layout.ts';
import { markdown } from './markdown.ts';
import type { Viewer } from './session.ts';
import { count, duration, type Html } from './words.ts';

/** One check: what it found, and what can be asked of it. */
export function checkPage(host: Host, viewer: Viewer, repository: Repository, run: CheckRun): Html {
  const fullName = fullNameOf(host, repository);
  const took = durationOf(host, run);
  const annotations = host.store.annotations.list(run.id);
  const pulls = host.store.pulls.list(repository.id).filter((pull) => pull.headSha === run.headSha);
  const mayAsk = covers(roleOf(host, repository, viewer.account.id), 'write') && run.status === 'completed';
  const details = detailsHref(fullName, run.headSha, run.name, detailsOf(host, run));
  const href = `/${fullName}/runs/${run.id}`;
  return page({
    title: `${run.name}: ${run.title ?? checkWords(run)} · ${fullName}`,
    viewer,
    head: repositoryHead(host, repository, pulls.length > 0 ? 'pulls' : 'code'),
    body: html`<div id="run" data-live>
      <header class="pull">
        <h1 class="page">${sign(checkTone(run), checkWords(run))} ${run.name}</h1>
        <p>
          <strong>${run.title ?? checkWords(run)}</strong>
          <span class="meta"
            >${checkWords(run)}${took === undefined ? '' : ` · ${duration(took)}`} · at
            <a href="/${fullName}/commit/${run.headSha}"><code>${run.headSha.slice(0, 7)}</code></a>
            ${pulls.map((pull) => html` · <a href="/${fullName}/pull/${pull.number}">#${pull.number} ${pull.title}</a>`)}</span
          >
        </p>
        <div class="line">
          ${
            mayAsk
              ? html`<form method="post" action="${href}/rerequest">${csrfField(viewer)}<button>Run again</button></form>`
              : ''
          }
          ${
            mayAsk
              ? run.actions.map(
                  (action) =>
                    html`<form method="post" action="${href}/action">
                    ${csrfField(viewer)}<button name="identifier" value="${action.identifier}" title="${action.description}">
                      ${action.label}
                    </button>
                  </form>`,
                )
              : ''
          }
          ${details === undefined ? '' : html`<a href="${details}">Details: stages, live log, history</a>`}
        </div>
      </header>
      ${
        run.summary === null && run.text === null
          ? html`<div class="box"><p class="note">It has not said anything yet.</p></div>`
          : html`<article class="box prose">
            ${run.summary === null ? '' : markdown(run.summary)} ${run.text === null ? '' : html`<hr />${markdown(run.text)}`}
          </article>`
      }
      ${
        annotations.length === 0
          ? ''
          : html`<section class="box beside" aria-label="Annotations">
            <h2 class="small">${count(annotations.length, 'annotation')}</h2>
            ${annotations.slice(0, 500).map((each) => annotationCard(each, 'with-place'))}
          </section>`
      }
    </div>`,
  });
}
