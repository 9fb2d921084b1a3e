import { expect, it } from 'vitest';
import { styledLine } from '../../../app/pages/ansi.ts';

const esc = '\u001b';

it('keeps colours and weights, each with its text', () => {
  expect(styledLine(`a ${esc}[1;31mred${esc}[0m b ${esc}[92mgreen${esc}[39m${esc}[4mline`)).toEqual([
    { text: 'a ', styles: [] },
    { text: 'red', styles: ['red', 'bold'] },
    { text: ' b ', styles: [] },
    { text: 'green', styles: ['green'] },
    { text: 'line', styles: ['underlined'] },
  ]);
});

it('takes the arguments of other colours for no codes of their own', () => {
  expect(styledLine(`${esc}[38;5;1;1mx${esc}[38;2;1;4;31my`)).toEqual([
    { text: 'x', styles: ['bold'] },
    { text: 'y', styles: ['bold'] },
  ]);
});

it('leaves out what moves the cursor, sets titles, reaches the clipboard or turns the writing direction', () => {
  const line = `${esc}[2J${esc}[H${esc}]0;title\u0007${esc}]52;c;c2VjcmV0\u0007a\u0000\u0008\u202eb\u2066\tc`;
  expect(styledLine(line).map(({ text }) => text)).toEqual(['ab\tc']);
});
