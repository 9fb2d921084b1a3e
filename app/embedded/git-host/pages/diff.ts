import { html } from 'hono/html';
import parseDiff from 'parse-diff';
import type { Annotation } from '../check-entities.ts';
import type { ChangedFile } from '../git/changes.ts';
import { sign } from './icons.ts';
import { count, type Html } from './words.ts';

/** Longer files are named, not shown: nobody reads them here. */
const shownLines = 3_000;

/** Changed files line by line; what checks said stands under the line it is about. */
export function diffView(files: readonly ChangedFile[], diff: string, annotations: readonly Annotation[]): Html {
  const parsed = parseDiff(diff);
  // Both lists come from git in the same order, and only the first has paths with their bytes as they are.
  return html`${files.map((file, index) =>
    fileView(
      file,
      parsed[index],
      annotations.filter(({ path }) => path === file.path),
    ),
  )}`;
}

function fileView(file: ChangedFile, parsed: parseDiff.File | undefined, annotations: readonly Annotation[]): Html {
  const chunks = parsed?.chunks ?? [];
  const lines = chunks.reduce((sum, chunk) => sum + chunk.changes.length, 0);
  return html`<details class="file" open>
    <summary>
      <span class="path">${file.previousPath === undefined ? '' : html`${file.previousPath} → `}${file.path}</span>
      <span class="added">+${file.additions}</span> <span class="deleted">−${file.deletions}</span>
    </summary>
    ${
      lines === 0
        ? html`<p class="note">${file.status === 'renamed' ? 'Renamed without changes.' : 'Nothing to show: empty, binary or only its mode changed.'}</p>`
        : lines > shownLines
          ? html`<p class="note">${count(lines, 'line')}: too many to show here.</p>`
          : table(chunks, annotations)
    }
    ${outside(chunks, annotations)}
  </details>`;
}

function table(chunks: readonly parseDiff.Chunk[], annotations: readonly Annotation[]): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Changes">
    <table class="diff">
      ${chunks.map(
        (chunk) => html`<tbody>
          <tr class="hunk"><td colspan="3">${chunk.content}</td></tr>
          ${chunk.changes.map((change) => row(change, annotations))}
        </tbody>`,
      )}
    </table>
  </div>`;
}

function row(change: parseDiff.Change, annotations: readonly Annotation[]): Html {
  const before = change.type === 'add' ? '' : change.type === 'del' ? change.ln : change.ln1;
  const after = change.type === 'del' ? undefined : change.type === 'add' ? change.ln : change.ln2;
  const here = annotations.filter(({ endLine }) => endLine === after);
  return html`<tr class="${change.type}">
      <td class="ln">${before}</td>
      <td class="ln">${after ?? ''}</td>
      <td class="code"><code>${change.content}</code></td>
    </tr>
    ${here.map((annotation) => html`<tr class="noted"><td colspan="3">${annotationCard(annotation)}</td></tr>`)}`;
}

/** What stands on lines that the difference does not show. */
function outside(chunks: readonly parseDiff.Chunk[], annotations: readonly Annotation[]): Html | string {
  const shown = new Set(
    chunks.flatMap(({ changes }) =>
      changes.flatMap((change) => (change.type === 'del' ? [] : change.type === 'add' ? [change.ln] : [change.ln2])),
    ),
  );
  const rest = annotations.filter(({ endLine }) => !shown.has(endLine));
  return rest.length === 0
    ? ''
    : html`<div class="beside">${rest.map((each) => annotationCard(each, 'with-place'))}</div>`;
}

const tones = { failure: 'bad', warning: 'attention', notice: 'muted' } as const;

export function annotationCard(annotation: Annotation, place: 'with-place' | 'without-place' = 'without-place'): Html {
  const { level, startLine, endLine } = annotation;
  const lines = startLine === endLine ? `line ${startLine}` : `lines ${startLine} to ${endLine}`;
  return html`<div class="annotation ${level}">
    ${sign(tones[level], level)}
    <div>
      <p>
        <strong>${annotation.title ?? level}</strong>
        ${place === 'with-place' ? html`<span class="where">${annotation.path}, ${lines}</span>` : ''}
      </p>
      <pre>${annotation.message}</pre>
      ${annotation.rawDetails === null ? '' : html`<details><summary>Details</summary><pre>${annotation.rawDetails}</pre></details>`}
    </div>
  </div>`;
}
