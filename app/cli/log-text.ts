import { stripVTControlCharacters } from 'node:util';

const esc = String.fromCharCode(27);
const colours = new RegExp(`(${esc}\\[[0-9;]*m)`);

/** Controls, and what turns the direction of writing: a line shows the order in which it was written. */
const hidden = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A line of a stage's log as a terminal may have it: what a stage prints must not move the cursor, set titles or reach
 * the clipboard of whoever reads it. Its colours stay where they can be seen.
 */
export function logText(line: string, isTerminal: boolean): string {
  const parts = line.split(colours).map((part) => {
    if (colours.test(part)) return isTerminal ? part : '';
    return stripVTControlCharacters(part).replaceAll(hidden, (it) => (it === '\t' ? it : ''));
  });
  const text = parts.join('');
  return isTerminal && text.includes(esc) ? `${text}${esc}[0m` : text;
}

/** Text for a terminal, whatever names, titles and reasons of others stand in it: see {@link logText}. */
export function terminalText(text: string, isTerminal: boolean): string {
  return text
    .split('\n')
    .map((line) => logText(line, isTerminal))
    .join('\n');
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
