import fc from 'fast-check';
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
