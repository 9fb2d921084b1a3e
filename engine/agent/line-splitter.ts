import { StringDecoder } from 'node:string_decoder';

/** A longer line is cut into pieces of at most this many characters, each a line of its own. */
export const maxLineChars = 64 * 1_024;
/** Stands at the end of a piece whose line goes on. */
const goesOn = '…';

/** Where a long line may be cut: see Mask. */
export interface Cutter {
  /** Characters that have to be known after a cut. */
  readonly longest: number;
  cut(text: string, at: number): number;
}

/** Bytes to lines: bytes that are no UTF-8 become U+FFFD, `\r\n` ends a line, an overwritten line (`\r`) shows its last state. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #cutter: Cutter;
  #rest = '';

  constructor(cutter: Cutter) {
    this.#cutter = cutter;
  }

  push(bytes: Buffer): string[] {
    this.#rest += this.#decoder.write(bytes);
    const lines: string[] = [];
    let from = 0;
    for (;;) {
      const end = this.#rest.indexOf('\n', from);
      if (end < 0) break;
      lines.push(...this.#pieces(this.#rest.slice(from, end)));
      from = end + 1;
    }
    this.#rest = this.#rest.slice(from);
    while (this.#rest.length > maxLineChars + this.#cutter.longest) lines.push(this.#cutOff());
    return lines;
  }

  /** What stands after the last line feed, if anything. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest === '' ? [] : this.#pieces(rest);
  }

  /** A piece of the unfinished line, which gets shorter by it. */
  #cutOff(): string {
    const at = this.#placeToCut(this.#rest);
    const piece = this.#rest.slice(0, at);
    this.#rest = this.#rest.slice(at);
    return lastState(piece) + goesOn;
  }

  #pieces(line: string): string[] {
    let shown = lastState(line);
    const pieces: string[] = [];
    while (shown.length > maxLineChars) {
      const at = this.#placeToCut(shown);
      pieces.push(shown.slice(0, at) + goesOn);
      shown = shown.slice(at);
    }
    return [...pieces, shown];
  }

  #placeToCut(text: string): number {
    const wanted = maxLineChars - goesOn.length;
    // A character of two halves stays whole.
    const at = isLowHalf(text.charCodeAt(wanted)) ? wanted - 1 : wanted;
    return this.#cutter.cut(text, at);
  }
}

/** What a terminal shows in the end of a line that was written over and over. */
function lastState(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return text.slice(text.lastIndexOf('\r') + 1);
}

function isLowHalf(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
