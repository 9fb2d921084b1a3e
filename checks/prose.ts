const fenceStart = /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})(.*)$/;
const quotedElements = /<(\/?)(blockquote|pre|code|samp|script|style|textarea|template)\b[^>]*>?/gi;
/** What goes on over empty lines too. */
const declarations = [
  { start: '<!--', end: /-->/ },
  { start: '<?', end: /\?>/ },
  { start: '<![CDATA[', end: /\]\]>/ },
] as const;
const never = /(?!)/;
const rawElement = /<(pre|script|style|textarea)\b/i;

/**
 * Lines of a comment that its author says, as hosts render Markdown: none of code, of quotes (nor of what goes on from one
 * without an empty line between), or inside HTML. In doubt a line is none: that costs a person an empty line, and nobody
 * an approval.
 */
export function proseLines(body: string): readonly string[] {
  const state: State = { fence: undefined, until: undefined, isHidden: false, isTag: false, depth: 0 };
  const said: string[] = [];
  let paragraph: Line[] = [];
  for (const text of body.split(/\r\n|\r|\n/)) {
    const kind = kindOf(text, paragraph.at(-1)?.text, state);
    if (kind === 'other') {
      said.push(...outsideCodeSpans(paragraph));
      paragraph = [];
    } else paragraph.push({ text, isSaid: kind === 'said' });
  }
  said.push(...outsideCodeSpans(paragraph));
  return said.map((line) => line.trim());
}

/** Of a paragraph; where it is not said, it is in a tag, or nobody sees it. */
interface Line {
  readonly text: string;
  readonly isSaid: boolean;
}

interface State {
  fence: { readonly mark: string; readonly columns: number } | undefined;
  /** What ends raw HTML or an HTML comment, also over empty lines. */
  until: RegExp | undefined;
  /** In a quote or in HTML, to the next empty line. */
  isHidden: boolean;
  /** In a tag that is not closed yet. */
  isTag: boolean;
  /** How many elements that quote, or show as code, are open. */
  depth: number;
}

/** @param before the line before it, where that is of the same paragraph */
function kindOf(line: string, before: string | undefined, state: State): 'said' | 'unsaid' | 'other' {
  if (state.fence !== undefined) {
    const mark = /^[ \t]*(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
    // What stands further left ends a block in a list, and the mark that would have ended it begins another: nothing
    // counts from here on.
    if (line.trim() !== '' && columnsBefore(line) < state.fence.columns) state.until = never;
    if (state.until !== undefined || mark?.startsWith(state.fence.mark)) state.fence = undefined;
    return 'other';
  }
  if (state.until !== undefined) {
    if (state.until.test(line)) Object.assign(state, { until: undefined, isTag: false });
    return 'other';
  }
  if (line.trim() === '') {
    state.isHidden = false;
    state.isTag = false;
    return 'other';
  }
  const [, mark, info = ''] = fenceStart.exec(line) ?? [];
  // An info string with backticks makes a code span of it.
  if (mark !== undefined && !(mark.startsWith('`') && info.includes('`'))) {
    state.fence = { mark, columns: columnsBefore(line.slice(0, line.indexOf(mark)).replaceAll(/[^\t]/g, ' ')) };
    return 'other';
  }
  if (/^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*>/.test(line)) state.isHidden = true;
  const wasInTag = state.isTag;
  const wasInside = state.depth > 0;
  followHtml(line, state);
  if (/^ {0,3}<[a-z/]/i.test(line) && state.until === undefined) state.isHidden = true;
  // The destination of a link, which nobody sees.
  const isTarget = before !== undefined && /\]\s*[(:]\s*<?$/.test(before);
  const isSaid = !state.isHidden && !wasInside && !wasInTag && !isTarget && columnsBefore(line) < 4;
  return isSaid ? 'said' : 'unsaid';
}

/** What goes on after this line. */
function followHtml(line: string, state: State): void {
  if (!/<[a-z/!?]/i.test(line)) {
    if (state.isTag && line.includes('>')) state.isTag = false;
    return;
  }
  for (const { start, end } of declarations) {
    const at = line.lastIndexOf(start);
    if (at >= 0 && !end.test(line.slice(at + 2))) state.until = end;
  }
  const raw = rawElement.exec(line);
  const end = raw === null ? undefined : new RegExp(`</${raw[1]}\\s*>`, 'i');
  if (end !== undefined && !end.test(line.slice(raw?.index))) state.until = end;
  if (state.until === undefined)
    for (const [, close] of line.matchAll(quotedElements))
      state.depth = Math.max(0, state.depth + (close === '' ? 1 : -1));
  const tag = Math.max(line.lastIndexOf('<'), 0);
  state.isTag = /^<[a-z/!?]/i.test(line.slice(tag)) && !line.slice(tag).includes('>');
}

function columnsBefore(line: string): number {
  let columns = 0;
  for (const character of line) {
    if (character === ' ') columns += 1;
    else if (character === '\t') columns += 4 - (columns % 4);
    else break;
  }
  return columns;
}

/** Without the lines that may be inside a code span: one that begins before them ends after them. */
function outsideCodeSpans(lines: readonly Line[]): readonly string[] {
  const opens = lines.map(({ text }) => openRuns(text));
  const last = new Map<number, number>();
  for (const [at, lengths] of opens.entries()) for (const length of lengths) last.set(length, at);
  const before = new Set<number>();
  return lines.flatMap(({ text, isSaid }, at) => {
    const isInside = [...before].some((length) => (last.get(length) ?? -1) >= at);
    for (const length of opens[at] ?? []) before.add(length);
    return isSaid && !isInside ? [text] : [];
  });
}

/** Lengths of the runs of backticks in a line that have no partner in it. */
function openRuns(line: string): ReadonlySet<number> {
  const open = new Set<number>();
  for (const [run] of line.matchAll(/`+/g)) if (!open.delete(run.length)) open.add(run.length);
  return open;
}
