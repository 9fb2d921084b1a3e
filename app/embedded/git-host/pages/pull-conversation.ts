import { html } from 'hono/html';
import { covers, roleOf } from '../access/authorize.ts';
import { latestStatus } from '../domain/deployments.ts';
import { isMergeable } from '../domain/pulls.ts';
import { missingChecks } from '../domain/required-checks.ts';
import type { Pull, Repository } from '../entities.ts';
import { fullNameOf, type Host } from '../host.ts';
import { checkLines, checkList, summarize } from './checks-part.ts';
import { commentCard } from './comment-part.ts';
import { sign, type Tone } from './icons.ts';
import { labelsPart } from './labels-part.ts';
import { csrfField } from './layout.ts';
import { pullFrame } from './pull-frame.ts';
import type { Viewer } from './session.ts';
import { ago, count, type Html, webLink } from './words.ts';

export async function conversationPage(host: Host, viewer: Viewer, repository: Repository, pull: Pull): Promise<Html> {
  const href = `/${fullNameOf(host, repository)}/pull/${pull.number}`;
  const rights = covers(roleOf(host, repository, viewer.account.id), 'write') ? 'write' : 'read';
  const isOwn = pull.authorId === viewer.account.id;
  const body = html`<div class="two">
    <div>
      <div id="talk" data-live>${talk(host, viewer, repository, pull, href)}</div>
      <section class="box merge" id="merge" data-live aria-label="Merging">
        ${await mergeBox(host, viewer, repository, pull, href, rights)}
      </section>
      <form method="post" action="${href}/comment" class="answer">
        ${csrfField(viewer)}
        <label for="comment">Add a comment</label>
        <textarea id="comment" name="body" rows="5" maxlength="65536" placeholder="Markdown and commands, such as ${host.face.pages.command}"></textarea>
        <div class="line end">
          ${
            pull.mergedAt === null && (rights === 'write' || isOwn)
              ? html`<button name="next" value="${pull.state === 'open' ? 'close' : 'reopen'}">
                ${pull.state === 'open' ? 'Close' : 'Reopen'} ${host.face.pages.pull}
              </button>`
              : ''
          }
          <button class="primary" name="next" value="stay">Comment</button>
        </div>
      </form>
    </div>
    <aside>
      ${host.face.pages.labels ? labelsPart(host, viewer, pull, href, rights) : ''}
      ${host.face.pages.deployments ? deployments(host, repository, pull) : ''}
      ${rights === 'write' || isOwn ? draftSwitch(viewer, pull, href) : ''}
    </aside>
  </div>`;
  return pullFrame(host, viewer, repository, pull, 'conversation', body);
}

function talk(host: Host, viewer: Viewer, repository: Repository, pull: Pull, href: string): Html {
  return html`${commentCard(host, viewer, repository, {
    anchor: 'description',
    author: host.store.accounts.get(pull.authorId),
    body: pull.body ?? '',
    createdAt: pull.createdAt,
    isEdited: false,
    subject: `pull:${pull.id}`,
    reactUrl: `${href}/reactions`,
  })}
  ${host.store.comments
    .list(`${pull.repositoryId}#${pull.number}`)
    .filter(({ isDeleted }) => isDeleted !== true)
    .map((comment) =>
      commentCard(host, viewer, repository, {
        anchor: `issuecomment-${comment.id}`,
        author: host.store.accounts.get(comment.authorId),
        body: comment.body,
        createdAt: comment.createdAt,
        isEdited: comment.updatedAt !== comment.createdAt,
        subject: `comment:${comment.id}`,
        reactUrl: `${href}/comments/${comment.id}/reactions`,
      }),
    )}`;
}

async function mergeBox(
  host: Host,
  viewer: Viewer,
  repository: Repository,
  pull: Pull,
  href: string,
  rights: 'write' | 'read',
): Promise<Html> {
  if (pull.mergedAt !== null) {
    const by = pull.mergedById === null ? '' : host.store.accounts.get(pull.mergedById).login;
    return html`<p class="row">
      ${sign('good', 'merged')} <span><strong>${by}</strong> merged this ${ago(host.now(), pull.mergedAt)}.</span>
    </p>`;
  }
  const lines = checkLines(host, repository, pull.headSha);
  const required = repository.requiredChecks[pull.baseRef] ?? [];
  const missing = missingChecks(host, pull);
  const summary = summarize(lines);
  const checks =
    lines.length === 0 && required.length === 0
      ? html`<p class="row">${sign('muted', 'no checks')} No checks on this commit.</p>`
      : html`<details open>
          <summary class="row">${sign(summary.tone, summary.tone)} <strong>${summary.words}</strong></summary>
          ${checkList(lines, required)}
        </details>`;
  if (pull.state === 'closed')
    return html`${checks}<p class="row">${sign('muted', 'closed')} This ${host.face.pages.pull} is closed.</p>`;
  const isClean = await isMergeable(host, pull);
  const hindrance = pull.draft
    ? 'This is a draft: mark it as ready first.'
    : !isClean
      ? `It conflicts with ${pull.baseRef}. Merge ${pull.baseRef} into the branch and push.`
      : missing.length > 0
        ? `${count(missing.length, 'required check has', 'required checks have')} not passed: ${missing.join(', ')}.`
        : rights === 'read'
          ? 'Only people with write access can merge.'
          : undefined;
  const state: { tone: Tone; words: string } =
    hindrance === undefined
      ? { tone: 'good', words: `No conflicts with ${pull.baseRef}.` }
      : { tone: isClean ? 'attention' : 'bad', words: hindrance };
  return html`${checks}
    <p class="row">${sign(state.tone, state.tone)} ${state.words}</p>
    <form method="post" action="${href}/merge" class="row line">
      ${csrfField(viewer)}<input type="hidden" name="sha" value="${pull.headSha}" />
      ${repository.queuedBranches.includes(pull.baseRef) ? queueButton(host, pull, rights) : mergeButtons(host, hindrance)}
    </form>`;
}

function mergeButtons(host: Host, hindrance: string | undefined): Html {
  return html`<button class="primary" name="method" value="merge"${hindrance === undefined ? '' : html` disabled`}>
      ${host.face.pages.pull === 'merge request' ? 'Merge' : 'Merge pull request'}
    </button>
    <button name="method" value="squash"${hindrance === undefined ? '' : html` disabled`}>Squash and merge</button>`;
}

function queueButton(host: Host, pull: Pull, rights: 'write' | 'read'): Html {
  const entry = host.store.queue.findByKey(`${pull.repositoryId}#${pull.number}`);
  if (entry !== undefined)
    return html`<span>In the merge queue${entry.group === null ? '' : ': its checks run'}.</span>`;
  return html`<button class="primary" name="method" value="queue"${rights === 'write' ? '' : html` disabled`}>
    Merge when ready
  </button>`;
}

function deployments(host: Host, repository: Repository, pull: Pull): Html {
  const latest = new Map<string, Html>();
  for (const deployment of host.store.deployments.list(repository.id)) {
    const isOurs = deployment.sha === pull.headSha || deployment.sha === pull.mergeCommitSha;
    const status = latestStatus(host, deployment);
    if (!isOurs || status === undefined) continue;
    const tones = { success: 'good', failure: 'bad', error: 'bad', inactive: 'muted' } as const;
    const { state } = status;
    const tone: Tone =
      state === 'success' || state === 'failure' || state === 'error' || state === 'inactive' ? tones[state] : 'busy';
    const link = webLink(status.environmentUrl);
    latest.set(
      deployment.environment,
      html`<li>
        ${sign(tone, state)} ${link === undefined ? deployment.environment : html`<a href="${link}" rel="noopener noreferrer">${deployment.environment}</a>`}
        <span class="meta">${status.description || state.replace('_', ' ')}, ${ago(host.now(), status.createdAt)}</span>
      </li>`,
    );
  }
  return html`<section aria-label="Deployments" id="deployments" data-live>
    <h2 class="small">Deployments</h2>
    ${latest.size === 0 ? html`<p class="meta">None yet</p>` : html`<ul class="plain">${[...latest.values()]}</ul>`}
  </section>`;
}

function draftSwitch(viewer: Viewer, pull: Pull, href: string): Html | string {
  if (pull.state === 'closed') return '';
  return html`<form method="post" action="${href}/${pull.draft ? 'ready' : 'draft'}">
    ${csrfField(viewer)}<button class="quiet">${pull.draft ? 'Mark as ready for review' : 'Convert to draft'}</button>
  </form>`;
}
