import { html } from 'hono/html';
import type { Repository } from '../entities.ts';
import { changedFiles, unifiedDiff } from '../git/changes.ts';
import { fullNameOf, gitOf, type Host } from '../host.ts';
import { notFound } from '../refusal.ts';
import { diffView } from './diff.ts';
import { csrfField, page, repositoryHead } from './layout.ts';
import type { Viewer } from './session.ts';
import { count, type Html } from './words.ts';

/** What a branch would bring, and the form to ask for it. */
export async function newPullPage(host: Host, viewer: Viewer, repository: Repository, branch: string): Promise<Html> {
  const git = gitOf(host, repository.id);
  const fullName = fullNameOf(host, repository);
  const [base, head] = await Promise.all([git.resolve(repository.defaultBranch), git.resolve(branch)]);
  if (base === undefined || head === undefined) throw notFound();
  const from = await git.mergeBase(base, head);
  const commits = await git.log([`${base}..${head}`], { limit: 50 });
  const [files, diff] = await Promise.all([changedFiles(git, from, head), unifiedDiff(git, from, head)]);
  const [title = branch] = commits.at(-1)?.message.split('\n') ?? [];
  return page({
    title: `New ${host.face.pages.pull} · ${fullName}`,
    viewer,
    head: repositoryHead(host, repository, 'pulls'),
    body: html`<h1 class="page">Merge <code>${branch}</code> into <code>${repository.defaultBranch}</code></h1>
      ${
        commits.length === 0
          ? html`<p class="box note">There is nothing to merge: ${repository.defaultBranch} has all of its commits.</p>`
          : html`<form method="post" action="/${fullName}/pulls" class="answer">
            ${csrfField(viewer)}<input type="hidden" name="head" value="${branch}" />
            <label for="title">Title</label>
            <input id="title" name="title" value="${title}" maxlength="256" required />
            <label for="body">What and why</label>
            <textarea id="body" name="body" rows="5" maxlength="65536"></textarea>
            <div class="line end"><button class="primary">Open ${host.face.pages.pull}</button></div>
          </form>`
      }
      <h2>${count(commits.length, 'commit')}, ${count(files.length, 'changed file')}</h2>
      ${diffView(files, diff, [])}`,
  });
}
