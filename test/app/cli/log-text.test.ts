import { expect, it } from 'vitest';
import { linesOf, logText, terminalText } from '../../../app/cli/log-text.ts';

const esc = '\u001b';

it('keeps colours on a terminal only, and ends them with the line', () => {
  expect(logText(`${esc}[31mred`, true)).toBe(`${esc}[31mred${esc}[0m`);
  expect(logText(`${esc}[31mred${esc}[0m`, false)).toBe('red');
});

it.each([
  ['moves the cursor', `a${esc}[2Ab`],
  ['clears the screen', `a${esc}[2Jb`],
  ['sets the title', `a${esc}]0;owned\u0007b`],
  ['writes to the clipboard', `a${esc}]52;c;cm0gLXJmIC8=\u0007b`],
  ['writes over its beginning', 'a\rb'],
  ['rings', 'a\u0007b'],
  ['speaks C1', 'a\u009b2Jb'],
])('lets through no output that %s', (_, line) => {
  expect(logText(line, true)).not.toMatch(/(?!\t)\p{Cc}/u);
  expect(logText(line, true)).toMatch(/^a.*b$/);
});

it('puts lines together that arrive in pieces', async () => {
  async function* pieces() {
    yield 'on';
    yield 'e\ntw';
    yield 'o\n\nthree';
  }
  const lines: string[] = [];
  for await (const line of linesOf(pieces())) lines.push(line);
  expect(lines).toEqual(['one', 'two', '', 'three']);
});

it('keeps the lines of a text apart, and their order of writing', () => {
  expect(terminalText(`one\ntwo${esc}[2J\n\u202eeerht`, true)).toBe('one\ntwo\neerht');
});
