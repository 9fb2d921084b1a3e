import { expect, test } from 'vitest';
import { clipped, codeBlock, escaped, plain, unescaped } from '../../checks/markdown.ts';

test('a megabyte of backticks stays inside its code block', () => {
  const block = codeBlock(['` '.repeat(500_000)]);
  expect(block.startsWith('```text\n')).toBe(true);
  expect(block.endsWith('\n```')).toBe(true);
});

test('a cut block is closed by its own fence, within the limit, whatever fences it holds', () => {
  const block = codeBlock(['`'.repeat(20), '```', 'é'.repeat(5_000)]);
  const cut = clipped(block, 1_000);
  expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1_000);
  expect(cut).toContain(`\n${'`'.repeat(21)}\n\n… cut`);
});

test('no character that turns the writing direction or starts a line survives', () => {
  expect(plain('a\u202eb\u200fc\u061cd\u2028e\u001b[31m\n')).toBe('a b c d e [31m ');
});

test('titles mention nobody and hold no HTML', () => {
  expect(escaped('@admin <img src=x>')).toBe('@\u200badmin \\<img src=x\\>');
});

test('what was escaped is read by others as it was written', () => {
  for (const text of ['/ok-to-test needs (Write)', 'C:\\*_a_*', '@admin & #12 <b>', '\\-'])
    expect(unescaped(escaped(text))).toBe(text);
});
