import fc from 'fast-check';
import { lexer, type Token } from 'marked';
import { expect, it } from 'vitest';
import { parseCommands } from '../../checks/command.ts';

const open = { slashCommandsTaken: false };
const taken = { slashCommandsTaken: true };

it.each([
  ['/help', [{ name: 'help' }]],
  ['/slipway help', [{ name: 'help' }]],
  ['/slipway', [{ name: 'help' }]],
  ['Thanks!\r\n/retry unit tests\r\nbye', [{ name: 'retry', stage: 'unit tests' }]],
  ['/ok-to-test', [{ name: 'ok-to-test' }]],
  ['/why\n/cancel', [{ name: 'why' }, { name: 'cancel' }]],
  ['/slipway frobnicate it', [{ name: 'unknown', text: 'frobnicate' }]],
  ['see /usr/bin\n/usr/bin/env is a path\n/lgtm', []],
  ['please /retry', []],
  ['> /cancel', []],
  ['    /cancel', []],
  ['```\n/cancel\n```\n/help', [{ name: 'help' }]],
  ['````\n```\n/cancel\n````', []],
  ['~~~sh\n/cancel\n~~~', []],
  ['```\n/cancel', []],
  ['<!-- \n/cancel\n-->\n/status', [{ name: 'status' }]],
  ['<!-- a --> <!--\n/cancel', []],
  [' \t/cancel', []],
  ['- ```\n  /cancel\n  ```\n\n/help', [{ name: 'help' }]],
  ['> they said:\n/cancel', []],
  ['> they said:\n\n/help', [{ name: 'help' }]],
  ['1. > a\n/cancel', []],
  ['a `code\n/cancel\nspan`\n\n/help', [{ name: 'help' }]],
  ['<pre>\n\n/cancel\n\n</pre>\n\n/help', [{ name: 'help' }]],
  ['<blockquote>\n\n/cancel\n\n</blockquote>\n\n/help', [{ name: 'help' }]],
  ['<a title="\n/cancel\n">\n\n/help', [{ name: 'help' }]],
  ['[a](\n/cancel\n)', []],
  ['[a]:\n/cancel', []],
  ['/reject <b>slow</b> `x`', [{ name: 'reject', reason: '<b>slow</b> `x`' }]],
  ['/cancel\u200b', []],
  ['\u200b/cancel', []],
  ['\uff0fcancel', []],
])('reads %j', (body, commands) => {
  expect(parseCommands(body, open)).toEqual(commands);
});

it('leaves plain slashes to a host that takes them', () => {
  expect(parseCommands('/cancel\n/slipway cancel', taken)).toEqual([{ name: 'cancel' }]);
});

it('reads any text, and never more than five commands', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('/help', '```', '<!--', '-->', '> /cancel', '/slipway x', '~~~', ' ')),
      (lines) => {
        expect(parseCommands(lines.join('\n'), open).length).toBeLessThanOrEqual(5);
      },
    ),
  );
  fc.assert(fc.property(fc.string(), (body) => void parseCommands(body, open)));
});

/** What paragraphs, headings and items of lists say, line by line, as a whole parser of Markdown reads it. */
function linesShown(tokens: readonly Token[]): readonly string[] {
  const textOf = (token: Token): string => {
    if (token.type === 'text' || token.type === 'escape') return 'text' in token ? String(token.text) : '';
    return token.type === 'br' ? '\n' : '\u0000';
  };
  return tokens.flatMap((token) => {
    if (token.type === 'list') return token.items.flatMap((item: { tokens: Token[] }) => linesShown(item.tokens));
    if (token.type !== 'paragraph' && token.type !== 'heading' && token.type !== 'text') return [];
    const inner: readonly Token[] = 'tokens' in token ? (token.tokens ?? []) : [];
    return inner
      .map(textOf)
      .join('')
      .split('\n')
      .map((line) => line.trim());
  });
}

it('takes no line for a command that Markdown shows as code, quote, HTML or not at all', () => {
  const piece = fc.constantFrom(
    '/help',
    '/help',
    ' /help',
    '  /help',
    '\t/help',
    ' \t/help',
    '',
    '',
    '```',
    '~~~',
    '````',
    '``',
    '`',
    '``` js',
    '> a',
    '>',
    '> ```',
    '- a',
    '- ```',
    '  ```',
    '1. > b',
    '<!--',
    '-->',
    '<!-- x -->',
    '<pre>',
    '</pre>',
    '<blockquote>',
    '</blockquote>',
    '<code>',
    '</code>',
    '<a title="',
    '">',
    '<div>',
    '</div>',
    '[a](',
    ')',
    'text',
    'text `',
    '` text',
    '***',
    '---',
    '| a |',
    '# h',
    '<script>',
    '</script>',
    '<?',
    '?>',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 2, maxLength: 9 }), (lines) => {
      const body = lines.join('\n');
      const shown = linesShown(lexer(body)).filter((line) => line === '/help').length;
      expect(parseCommands(body, open).length).toBeLessThanOrEqual(shown);
    }),
    { numRuns: 5_000 },
  );
});
