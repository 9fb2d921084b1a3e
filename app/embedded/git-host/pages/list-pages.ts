import { html } from 'hono/html';
import { visibleRepositories } from '../domain/accounts.ts';
import type { Pull, Repository } from '../entities.ts';
import { fullNameOf, type Host } from '../host.ts';
import { commitMark } from './checks-part.ts';
import { pullBadge } from './icons.ts';
import { labelChip } from './labels-part.ts';
import { page, repositoryHead } from './layout.ts';
import type { Viewer } from './session.ts';
import { ago, capital, count, type Html } from './words.ts';

export function repositoryList(host: Host, viewer: Viewer): Html {
  const repositories = visibleRepositories(host, viewer.account).sort((a, b) => b.pushedAt.localeCompare(a.pushedAt));
  return page({
    title: 'Repositories',
    viewer,
    body: html`<h1 class="page">Repositories</h1>
      ${
        repositories.length === 0
          ? html`<p class="blank">There is nothing yet that you may read.</p>`
          : html`<ul class="box plain" id="list" data-live>
            ${repositories.map((repository) => repositoryRow(host, repository))}
          </ul>`
      }`,
  });
}

function repositoryRow(host: Host, repository: Repository): Html {
  const fullName = fullNameOf(host, repository);
  const [owner = '', name = ''] = fullName.split('/');
  const open = host.store.pulls.list(repository.id).filter(({ state }) => state === 'open').length;
  const tip = repository.announcedRefs[`refs/heads/${repository.defaultBranch}`];
  return html`<li class="row tall">
    <div>
      <p class="name">
        <a href="/${fullName}">${owner} / <strong>${name}</strong></a>
        <span class="pill">${repository.private ? 'Private' : 'Public'}</span>
        ${tip === undefined ? '' : commitMark(host, repository, tip)}
      </p>
      ${repository.description === null ? '' : html`<p>${repository.description}</p>`}
      <p class="meta">
        ${repository.defaultBranch}, pushed ${ago(host.now(), repository.pushedAt)} ·
        <a href="/${fullName}/pulls">${count(open, `open ${host.face.pages.pull}`)}</a>
      </p>
    </div>
  </li>`;
}

export function pullList(host: Host, viewer: Viewer, repository: Repository, state: 'open' | 'closed'): Html {
  const fullName = fullNameOf(host, repository);
  const all = host.store.pulls.list(repository.id).reverse();
  const number = (wanted: 'open' | 'closed') => all.filter((pull) => pull.state === wanted).length;
  const pulls = all.filter((pull) => pull.state === state);
  const at = (which: 'open' | 'closed') => (which === state ? html` aria-current="page"` : '');
  return page({
    title: `${capital(host.face.pages.pull)}s · ${fullName}`,
    viewer,
    head: repositoryHead(host, repository, 'pulls'),
    body: html`<h1 class="unseen">${capital(host.face.pages.pull)}s</h1>
      <nav class="filters" aria-label="State">
        <a href="/${fullName}/pulls"${at('open')}>${number('open')} open</a>
        <a href="/${fullName}/pulls?state=closed"${at('closed')}>${number('closed')} closed</a>
      </nav>
      ${
        pulls.length === 0
          ? html`<div class="box"><p class="note">No ${state} ${host.face.pages.pull}s.</p></div>`
          : html`<ul class="box plain" id="list" data-live>
            ${pulls.map((pull) => pullRow(host, repository, pull))}
          </ul>`
      }`,
  });
}

function pullRow(host: Host, repository: Repository, pull: Pull): Html {
  const href = `/${fullNameOf(host, repository)}/pull/${pull.number}`;
  const author = host.store.accounts.get(pull.authorId).login;
  return html`<li class="row tall">
    ${pullBadge(pull)}
    <div>
      <p class="name">
        <a href="${href}"><strong>${pull.title}</strong></a> ${commitMark(host, repository, pull.headSha)}
        ${pull.labelIds.flatMap((id) => host.store.labels.find(id) ?? []).map(labelChip)}
      </p>
      <p class="meta">
        ${host.face.pages.sign}${pull.number} by ${author}, ${ago(host.now(), pull.createdAt)} · <code>${pull.headRef}</code> into
        <code>${pull.baseRef}</code>
      </p>
    </div>
  </li>`;
}
