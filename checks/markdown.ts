/** Text of others (names, titles, log lines) for Markdown: shows as it is, and can do nothing. */
export function escaped(text: string): string {
  return (
    plain(text)
      .replaceAll(/[\\`*_{}[\]()#+!|<>~$-]/g, (character) => `\\${character}`)
      .replaceAll('&', '&amp;')
      // A mention or reference would notify people or link things; a zero-width space breaks it without being seen.
      .replaceAll(/([@#])(?=\w)/g, '$1\u200b')
  );
}

/** What {@link escaped} was given, for who reads plain text: an audit, a terminal. */
export function unescaped(markdown: string): string {
  return markdown
    .replaceAll(/([@#])\u200b/g, '$1')
    .replaceAll('&amp;', '&')
    .replaceAll(/\\([\\`*_{}[\]()#+!|<>~$-])/g, '$1');
}

/** A code span: holds any text, backticks too. */
export function code(text: string): string {
  const content = plain(text);
  const fence = fenceFor(content, 1);
  const pad = content.startsWith('`') || content.endsWith('`') || content === '' ? ' ' : '';
  return `${fence}${pad}${content}${pad}${fence}`;
}

/** A block of code: holds any lines, fences too. */
export function codeBlock(lines: readonly string[]): string {
  const content = lines.map(plain).join('\n');
  const fence = fenceFor(content, 3);
  return `${fence}text\n${content}\n${fence}`;
}

/** A link to a web address; the text alone where it is none. */
export function link(text: string, url: string): string {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return escaped(text);
  // What a link's end could be is percent-encoded by the parser, but for `)`, which angle brackets hold.
  return `[${escaped(text)}](<${new URL(url).href}>)`;
}

/** Without characters that control a terminal or turn the writing direction; on one line. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === '\t' ? '  ' : ' ',
  );
}

/** At most so many bytes of UTF-8, cut between characters, with a visible note. */
export function clipped(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const note = '\n\n… cut: too long for this place';
  const room = maxBytes - Buffer.byteLength(note);
  const kept = firstBytes(text, room);
  const fence = openFence(kept);
  if (fence === undefined) return `${kept}${note}`;
  // An open code block would swallow the note: make room for its closing line.
  const shorter = firstBytes(text, room - fence.length - 1);
  const closing = openFence(shorter);
  return closing === undefined ? `${shorter}${note}` : `${shorter}\n${closing}${note}`;
}

/** A time in milliseconds as people read it: `340 ms`, `12.5 s`, `3 min 07 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

function firstBytes(text: string, bytes: number): string {
  // A cut code point decodes to U+FFFD at the end.
  return Buffer.from(text)
    .subarray(0, Math.max(0, bytes))
    .toString('utf8')
    .replace(/\ufffd+$/, '');
}

/** The fence of the code block that the text ends in; shorter fences inside a block are its content. */
function openFence(text: string): string | undefined {
  let open: string | undefined;
  for (const [, fence = '', rest = ''] of text.matchAll(/^(`{3,})([^`\n]*)$/gm)) {
    if (open === undefined) open = fence;
    else if (fence.length >= open.length && rest.trim() === '') open = undefined;
  }
  return open;
}

/** Longer than any run of backticks inside. */
function fenceFor(content: string, shortest: number): string {
  let length = shortest;
  // A loop: a megabyte of log may hold more runs than a call can take arguments.
  for (const [run] of content.matchAll(/`+/g)) length = Math.max(length, run.length + 1);
  return '`'.repeat(length);
}
