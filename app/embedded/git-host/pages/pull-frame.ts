import { html } from 'hono/html';
import type { Pull, Repository } from '../entities.ts';
import { fullNameOf, type Host, ownerOf } from '../host.ts';
import { checkLines, summarize } from './checks-part.ts';
import { pullBadge, sign } from './icons.ts';
import { page, repositoryHead } from './layout.ts';
import { inlineMarkdown } from './markdown.ts';
import type { Viewer } from './session.ts';
import { capital, count, type Html } from './words.ts';

export type PullTab = 'conversation' | 'checks' | 'files';

/** Title, state and tabs around one view of a pull request. */
export function pullFrame(
  host: Host,
  viewer: Viewer,
  repository: Repository,
  pull: Pull,
  tab: PullTab,
  body: Html,
): Html {
  const fullName = fullNameOf(host, repository);
  const words = host.face.pages;
  const href = `/${fullName}/pull/${pull.number}`;
  const author = host.store.accounts.get(pull.authorId).login;
  const isFork = pull.headRepositoryId !== pull.repositoryId;
  const headOwner = ownerOf(host, host.store.repositories.get(pull.headRepositoryId)).login;
  const lines = checkLines(host, repository, pull.headSha);
  const at = (which: PullTab) => (which === tab ? html` aria-current="page"` : '');
  return page({
    title: `${pull.title} · ${capital(words.pull)} ${words.sign}${pull.number} · ${fullName}`,
    viewer,
    head: repositoryHead(host, repository, 'pulls'),
    body: html`<header class="pull">
        <h1 class="page">${inlineMarkdown(pull.title)} <span class="faint">${words.sign}${pull.number}</span></h1>
        <p id="pull-state" data-live>
          ${pullBadge(pull)}
          <span
            ><strong>${author}</strong> ${pull.mergedAt === null ? 'wants to merge' : 'merged'}
            ${count(pull.stats.commits, 'commit')} into <code>${pull.baseRef}</code> from
            <code>${isFork ? `${headOwner}:` : ''}${pull.headRef}</code></span
          >
        </p>
      </header>
      <nav class="tabs" aria-label="${capital(words.pull)}" id="pull-tabs" data-live>
        <a href="${href}"${at('conversation')}>Conversation</a>
        <a href="${href}/checks"${at('checks')}
          >Checks <span class="number">${lines.length}</span>${lines.length === 0 ? '' : sign(summarize(lines).tone, summarize(lines).words)}</a
        >
        <a href="${href}/files"${at('files')}>Files changed <span class="number">${pull.stats.changedFiles}</span></a>
      </nav>
      ${body}`,
  });
}
