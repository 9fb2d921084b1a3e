import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { slipway } from './run-slipway.ts';

const empty = mkdtempSync(join(tmpdir(), 'slipway-cli-'));
afterAll(() => rmSync(empty, { recursive: true, force: true }));

const ask = (...words: string[]) => slipway(words, { cwd: empty, env: { SLIPWAY_DATA: join(empty, 'state') } });

it.each([
  'start',
  'connect',
  'disconnect',
  'labels',
  'doctor',
  'run',
  'validate',
  'init',
  'runs',
  'show',
  'logs',
  'why',
  'cancel',
  'retry',
  'rollback',
])('explains `slipway %s --help`', async (command) => {
  const { code, out } = await ask(command, '--help');
  expect(code).toBe(0);
  expect(out).toContain(`Usage: slipway ${command}`);
});

it('tells its version', async () => {
  expect(await ask('--version')).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

it.each<[string, readonly string[], RegExp]>([
  ['no server', ['runs'], /No Slipway runs on this machine\n {2}Start one with `slipway start`/],
  ['an unknown command', ['rnu'], /unknown command 'rnu'/],
  ['an unknown option', ['runs', '--jsno'], /unknown option '--jsno'/],
  ['a port that is none', ['start', '--port', '99999'], /--port is "99999"\n {2}Give a whole number/],
  ['no pipeline file', ['validate'], /There is no \.slipway\.yaml here\n {2}Name the file/],
  ['nothing to run', ['run'], /Nothing was found to build or test/],
  ['a host that no command connects', ['connect', 'github', 'acme'], /Allowed choices are gitlab, bitbucket, gitea/],
  ['what is no id', ['show', '../../x'], /is no id of a run/],
])('says what to do about %s', async (_, words, said) => {
  const { code, err } = await ask(...words);
  expect(code).toBe(1);
  expect(err).toMatch(said);
  expect(err).not.toMatch(/\n\s+at /);
});

it.each(['run', 'validate'])(
  '`slipway %s` takes no pipeline file that cannot be read for a missing one',
  async (command) => {
    const cwd = join(empty, `unreadable-${command}`);
    mkdirSync(join(cwd, '.slipway.yaml'), { recursive: true });
    const { code, out, err } = await slipway([command], { cwd });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/\.slipway\.yaml cannot be read: it is a folder\n/);
  },
);

it('gives programs its errors as JSON', async () => {
  const { code, err } = await ask('runs', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(err)).toEqual({ error: expect.any(String), fix: expect.any(String) });
});
