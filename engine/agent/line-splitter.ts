import { StringDecoder } from 'node:string_decoder';

/** A longer line is cut into pieces of this many characters, each a line of its own. */
export const maxLineChars = 64 * 1_024;

/** Bytes to lines: bytes that are no UTF-8 become U+FFFD, `\r\n` ends a line, an overwritten line (`\r`) shows its last state. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  push(bytes: Buffer): string[] {
    this.#rest += this.#decoder.write(bytes);
    const lines: string[] = [];
    let from = 0;
    for (;;) {
      const end = this.#rest.indexOf('\n', from);
      if (end < 0) break;
      lines.push(...pieces(this.#rest.slice(from, end)));
      from = end + 1;
    }
    this.#rest = this.#rest.slice(from);
    while (this.#rest.length > maxLineChars) {
      lines.push(this.#rest.slice(0, maxLineChars));
      this.#rest = this.#rest.slice(maxLineChars);
    }
    return lines;
  }

  /** What stands after the last line feed, if anything. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest === '' ? [] : pieces(rest);
  }
}

function pieces(line: string): string[] {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  const shown = text.slice(text.lastIndexOf('\r') + 1);
  if (shown.length <= maxLineChars) return [shown];
  const cut: string[] = [];
  for (let from = 0; from < shown.length; from += maxLineChars) cut.push(shown.slice(from, from + maxLineChars));
  return cut;
}
