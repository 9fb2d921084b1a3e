import { html } from 'hono/html';
import type { Annotation } from '../check-entities.ts';
import { latestCheckRuns } from '../domain/required-checks.ts';
import type { Repository } from '../entities.ts';
import { changedFiles, unifiedDiff } from '../git/changes.ts';
import { fullNameOf, gitOf, type Host } from '../host.ts';
import { notFound } from '../refusal.ts';
import { checkLines, checkList } from './checks-part.ts';
import { diffView } from './diff.ts';
import { page, repositoryHead } from './layout.ts';
import type { Viewer } from './session.ts';
import { ago, count, type Html } from './words.ts';

/** What checks and reports say of lines, at a commit. */
export function annotationsAt(host: Host, repositoryId: number, sha: string): Annotation[] {
  const levels = { CRITICAL: 'failure', HIGH: 'failure', MEDIUM: 'warning', LOW: 'notice' } as const;
  const reported = host.store.reports.list(`${repositoryId}@${sha}`).flatMap(({ id, title }) =>
    host.store.reportAnnotations.list(id).map((each) => ({
      id: each.id,
      checkRunId: id,
      path: each.path,
      startLine: each.line,
      endLine: each.line,
      startColumn: null,
      endColumn: null,
      level: levels[each.severity],
      title: `${title}: ${each.summary}`,
      message: each.details,
      rawDetails: null,
    })),
  );
  return [
    ...latestCheckRuns(host, repositoryId, sha).flatMap((run) => host.store.annotations.list(run.id)),
    ...reported,
  ];
}

export async function commitPage(host: Host, viewer: Viewer, repository: Repository, sha: string): Promise<Html> {
  const git = gitOf(host, repository.id);
  const commit = await git.commit(sha);
  if (commit === undefined) throw notFound();
  const [parent] = commit.parents;
  const [files, diff] = await Promise.all([
    changedFiles(git, parent, commit.sha),
    unifiedDiff(git, parent, commit.sha),
  ]);
  const [title = '', ...rest] = commit.message.split('\n');
  const lines = checkLines(host, repository, commit.sha);
  return page({
    title: `${title} · ${fullNameOf(host, repository)}`,
    viewer,
    head: repositoryHead(host, repository, 'code'),
    body: html`<h1 class="page">${title === '' ? 'No message' : title}</h1>
      ${rest.join('\n').trim() === '' ? '' : html`<pre class="message">${rest.join('\n').trim()}</pre>`}
      <p class="meta">
        ${commit.author.name} committed ${ago(host.now(), commit.committer.date)}: <code>${commit.sha}</code>
      </p>
      <section class="box" id="checks" data-live aria-label="Checks">
        ${lines.length === 0 ? html`<p class="note">No checks on this commit.</p>` : checkList(lines, [])}
      </section>
      <h2>${count(files.length, 'changed file')}</h2>
      ${diffView(files, diff, annotationsAt(host, repository.id, commit.sha))}`,
  });
}
