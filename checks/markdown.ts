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

/** Without characters that control a terminal or turn the writing direction; on one line. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (character) => (character === '\t' ? '  ' : ' '));
}

/** At most so many bytes of UTF-8, cut between characters, with a visible note. */
export function clipped(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const note = '\n\n… cut: too long for this place';
  const room = maxBytes - Buffer.byteLength(note);
  // A cut code point decodes to U+FFFD at the end.
  const kept = Buffer.from(text)
    .subarray(0, Math.max(0, room))
    .toString('utf8')
    .replace(/\ufffd+$/, '');
  // An open code block would swallow the note.
  const fences = kept.match(/^`{3,}/gm) ?? [];
  const isOpen = fences.length % 2 === 1;
  return isOpen ? `${kept.slice(0, Math.max(0, kept.length - 8))}\n${fences.at(-1)}${note}` : `${kept}${note}`;
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

function fenceFor(content: string, shortest: number): string {
  const longest = Math.max(0, ...[...content.matchAll(/`+/g)].map(([run]) => run.length));
  return '`'.repeat(Math.max(shortest, longest + 1));
}
