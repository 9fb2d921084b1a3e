import { html } from 'hono/html';
import type { Pull, Repository } from '../entities.ts';
import { changedFiles, unifiedDiff } from '../git/changes.ts';
import { gitOf, type Host } from '../host.ts';
import { checkLines, checkList } from './checks-part.ts';
import { annotationsAt } from './commit-page.ts';
import { annotationCard, diffView } from './diff.ts';
import { pullFrame } from './pull-frame.ts';
import type { Viewer } from './session.ts';
import type { Html } from './words.ts';

export function checksPage(host: Host, viewer: Viewer, repository: Repository, pull: Pull): Html {
  const lines = checkLines(host, repository, pull.headSha);
  const body = html`<section class="box" id="checks" data-live aria-label="Checks">
      ${
        lines.length === 0
          ? html`<p class="note">No checks on <code>${pull.headSha.slice(0, 7)}</code> yet.</p>`
          : checkList(lines, repository.requiredChecks[pull.baseRef] ?? [])
      }
    </section>
    <p class="meta">At commit <code>${pull.headSha}</code></p>`;
  return pullFrame(host, viewer, repository, pull, 'checks', body);
}

export async function filesPage(host: Host, viewer: Viewer, repository: Repository, pull: Pull): Promise<Html> {
  const git = gitOf(host, repository.id);
  const from = await git.mergeBase(pull.baseSha, pull.headSha);
  const [files, diff] = await Promise.all([
    changedFiles(git, from, pull.headSha),
    unifiedDiff(git, from, pull.headSha),
  ]);
  const annotations = annotationsAt(host, repository.id, pull.headSha);
  const elsewhere = annotations.filter(({ path }) => !files.some((file) => file.path === path));
  const body = html`<p class="meta">
      <span class="added">+${pull.stats.additions}</span> <span class="deleted">−${pull.stats.deletions}</span>
    </p>
    ${diffView(files, diff, annotations)}
    ${
      elsewhere.length === 0
        ? ''
        : html`<section class="box beside" aria-label="On unchanged files">
          <h2 class="small">On files that this pull request does not change</h2>
          ${elsewhere.map((each) => annotationCard(each, 'with-place'))}
        </section>`
    }`;
  return pullFrame(host, viewer, repository, pull, 'files', body);
}
