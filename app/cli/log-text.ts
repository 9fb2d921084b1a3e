import { stripVTControlCharacters } from 'node:util';

const esc = String.fromCharCode(27);
const colours = new RegExp(`(${esc}\\[[0-9;]*m)`);

/**
 * A line of a stage's log as a terminal may have it: what a stage prints must not move the cursor, set titles or reach
 * the clipboard of whoever reads it. Its colours stay where they can be seen.
 */
export function logText(line: string, isTerminal: boolean): string {
  const parts = line.split(colours).map((part) => {
    if (colours.test(part)) return isTerminal ? part : '';
    return stripVTControlCharacters(part).replaceAll(/\p{Cc}/gu, (it) => (it === '\t' ? it : ''));
  });
  const text = parts.join('');
  return isTerminal && text.includes(esc) ? `${text}${esc}[0m` : text;
}

/** Whole lines of text that arrives in pieces. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncIterable<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
