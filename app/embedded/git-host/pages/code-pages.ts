import { html } from 'hono/html';
import type { Repository } from '../entities.ts';
import type { BareRepository, TreeEntry } from '../git/bare-repository.ts';
import type { Commit } from '../git/commit.ts';
import { fullNameOf, gitOf, type Host } from '../host.ts';
import { notFound } from '../refusal.ts';
import { commitMark } from './checks-part.ts';
import { page, repositoryHead } from './layout.ts';
import { markdown } from './markdown.ts';
import type { Viewer } from './session.ts';
import { ago, count, type Html, urlPath } from './words.ts';

const shownBytes = 512 * 1024;

/** A place in a repository: `tree/<ref>/<path>`, where refs may hold slashes themselves. */
export interface Place {
  readonly ref: string;
  readonly sha: string;
  readonly path: string;
}

/** @throws Refusal 404 */
export async function placeOf(host: Host, repository: Repository, text: string): Promise<Place> {
  const parts = text.split('/').filter(Boolean);
  const git = gitOf(host, repository.id);
  for (let length = 1; length <= Math.min(parts.length, 10); length++) {
    const ref = parts.slice(0, length).join('/');
    const sha = await git.resolve(ref);
    if (sha !== undefined) return { ref, sha, path: parts.slice(length).join('/') };
  }
  throw notFound();
}

export async function repositoryPage(host: Host, viewer: Viewer, repository: Repository): Promise<Html> {
  const fullName = fullNameOf(host, repository);
  const sha = await gitOf(host, repository.id).resolve(repository.defaultBranch);
  const body =
    sha === undefined
      ? emptyRepository(host, repository)
      : await overview(host, repository, { ref: repository.defaultBranch, sha, path: '' });
  return page({ title: fullName, viewer, head: repositoryHead(host, repository, 'code'), body });
}

function emptyRepository(host: Host, repository: Repository): Html {
  const clone = `${host.url}/${fullNameOf(host, repository)}.git`;
  return html`<div class="blank">
    <h1>Nothing here yet</h1>
    <p>Push an existing repository:</p>
    <pre class="left">git remote add origin ${clone}
git push -u origin main</pre>
  </div>`;
}

export async function treePage(host: Host, viewer: Viewer, repository: Repository, place: Place): Promise<Html> {
  return page({
    title: `${place.path || place.ref} · ${fullNameOf(host, repository)}`,
    viewer,
    head: repositoryHead(host, repository, 'code'),
    body: await overview(host, repository, place),
  });
}

async function overview(host: Host, repository: Repository, place: Place): Promise<Html> {
  const git = gitOf(host, repository.id);
  const [entries, commits] = await Promise.all([
    git.tree(place.sha, { recursive: false, ...(place.path === '' ? {} : { path: `${place.path}/` }) }),
    git.log([place.sha], { limit: 6, ...(place.path === '' ? {} : { path: place.path }) }),
  ]);
  if (place.path !== '' && entries.length === 0) throw notFound();
  const sorted = entries.toSorted((a, b) => Number(b.type === 'tree') - Number(a.type === 'tree'));
  const readme = entries.find((entry) => entry.type === 'blob' && /(^|\/)readme(\.md)?$/i.test(entry.path));
  return html`<h1 class="unseen">${place.path || repository.name}</h1>
    <div class="bar">${refMenu(host, repository, place)}${trail(host, repository, place)}</div>
    <div class="two">
      <div>
        <div class="box">
          ${sorted.map((entry) => entryRow(host, repository, place, entry))}
        </div>
        ${readme === undefined ? '' : await readmeBox(git, readme)}
      </div>
      <aside>
        ${repository.description === null ? '' : html`<p>${repository.description}</p>`}
        ${cloneBox(host, repository)}
        <h2 class="small">Latest commits</h2>
        <ul class="commits" id="commits" data-live>
          ${commits.map((commit) => commitRow(host, repository, commit))}
        </ul>
        <p><a href="/${fullNameOf(host, repository)}/commits/${urlPath(place.ref)}">All commits</a></p>
      </aside>
    </div>`;
}

function cloneBox(host: Host, repository: Repository): Html {
  const url = `${host.url}/${fullNameOf(host, repository)}.git`;
  return html`<label class="clone">Clone <input readonly value="${url}" /></label>`;
}

function refMenu(host: Host, repository: Repository, place: Place): Html {
  const fullName = fullNameOf(host, repository);
  const branches = Object.keys(repository.announcedRefs)
    .filter((ref) => ref.startsWith('refs/heads/'))
    .map((ref) => ref.slice('refs/heads/'.length));
  return html`<details class="menu">
    <summary>${/^[0-9a-f]{40}$/.test(place.ref) ? place.ref.slice(0, 10) : place.ref}</summary>
    <ul>
      ${branches.map(
        (branch) =>
          html`<li>
            <a href="/${fullName}/tree/${urlPath(branch)}">${branch}</a>
            ${
              branch === repository.defaultBranch
                ? ''
                : html`<a class="quiet" href="/${fullName}/compare/${urlPath(branch)}">Open a pull request</a>`
            }
          </li>`,
      )}
    </ul>
  </details>`;
}

function trail(host: Host, repository: Repository, place: Place): Html | string {
  if (place.path === '') return '';
  const base = `/${fullNameOf(host, repository)}/tree/${urlPath(place.ref)}`;
  const parts = place.path.split('/');
  return html`<span class="trail"
    ><a href="${base}">${repository.name}</a>${parts.map(
      (part, index) => html` / <a href="${base}/${urlPath(parts.slice(0, index + 1).join('/'))}">${part}</a>`,
    )}</span
  >`;
}

function entryRow(host: Host, repository: Repository, place: Place, entry: TreeEntry): Html {
  const kind = entry.type === 'tree' ? 'tree' : 'blob';
  const name = entry.path.split('/').at(-1) ?? '';
  const href = `/${fullNameOf(host, repository)}/${kind}/${urlPath(place.ref)}/${urlPath(entry.path)}`;
  return html`<div class="row entry ${kind}">
    <a href="${href}">${name}${kind === 'tree' ? '/' : ''}</a>
    <span class="took">${entry.size === null ? '' : bytes(entry.size)}</span>
  </div>`;
}

function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  return size < 1024 * 1024 ? `${(size / 1024).toFixed(1)} kB` : `${(size / 1024 / 1024).toFixed(1)} MB`;
}

async function readmeBox(git: BareRepository, entry: TreeEntry): Promise<Html> {
  if ((entry.size ?? 0) > shownBytes)
    return html`<div class="box"><p class="note">The README is too long to show.</p></div>`;
  const text = (await git.blob(entry.sha, shownBytes)).toString();
  return html`<article class="box prose">${/\.md$/i.test(entry.path) ? markdown(text) : html`<pre>${text}</pre>`}</article>`;
}

function commitRow(host: Host, repository: Repository, commit: Commit): Html {
  const href = `/${fullNameOf(host, repository)}/commit/${commit.sha}`;
  const [title = ''] = commit.message.split('\n');
  return html`<li>
    ${commitMark(host, repository, commit.sha)}
    <a href="${href}">${title === '' ? 'No message' : title}</a>
    <span class="meta"><code>${commit.sha.slice(0, 7)}</code> ${commit.author.name}, ${ago(host.now(), commit.committer.date)}</span>
  </li>`;
}

export async function commitsPage(host: Host, viewer: Viewer, repository: Repository, place: Place): Promise<Html> {
  const commits = await gitOf(host, repository.id).log([place.sha], { limit: 100 });
  return page({
    title: `Commits · ${fullNameOf(host, repository)}`,
    viewer,
    head: repositoryHead(host, repository, 'code'),
    body: html`<h1 class="page">Commits on ${place.ref}</h1>
      <ul class="commits box" id="commits" data-live>
        ${commits.map((commit) => commitRow(host, repository, commit))}
      </ul>`,
  });
}

export async function blobPage(host: Host, viewer: Viewer, repository: Repository, place: Place): Promise<Html> {
  const git = gitOf(host, repository.id);
  const entry = (await git.tree(place.sha, { recursive: false, path: place.path }))[0];
  if (entry?.type !== 'blob' || entry.path !== place.path) throw notFound();
  const isLong = (entry.size ?? 0) > shownBytes;
  const content = isLong ? Buffer.alloc(0) : await git.blob(entry.sha, shownBytes);
  const isBinary = content.includes(0);
  const lines = content.toString().replace(/\n$/, '').split('\n');
  return page({
    title: `${place.path} · ${fullNameOf(host, repository)}`,
    viewer,
    head: repositoryHead(host, repository, 'code'),
    body: html`<h1 class="unseen">${place.path}</h1>
      <div class="bar">${refMenu(host, repository, place)}${trail(host, repository, place)}</div>
      <div class="box">
        <p class="row meta">${count(lines.length, 'line')}, ${bytes(entry.size ?? 0)}</p>
        ${
          isLong || isBinary
            ? html`<p class="note">${isLong ? 'Too long' : 'Not text, so nothing'} to show here.</p>`
            : html`<div class="scroll" tabindex="0" role="group" aria-label="File">
              <table class="diff">
                ${lines.map(
                  (line, index) => html`<tr id="L${index + 1}">
                    <td class="ln">${index + 1}</td>
                    <td class="code"><code>${line}</code></td>
                  </tr>`,
                )}
              </table>
            </div>`
        }
      </div>`,
  });
}
