import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { slipway } from './run-slipway.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'slipway-package-'));
const program = join(folder, 'node_modules', 'slipway', 'app', 'cli', 'launcher.js');

beforeAll(() => {
  const npm = (cwd: string, ...words: string[]) => execFileSync('npm', words, { cwd, encoding: 'utf8', stdio: 'pipe' });
  npm(root, 'pack', '--silent', '--pack-destination', folder);
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  npm(
    folder,
    'install',
    '--silent',
    '--no-audit',
    '--no-fund',
    execFileSync('ls', [folder], { encoding: 'utf8' }).match(/slipway-.*\.tgz/)?.[0] ?? '',
  );
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('the packed Slipway tells its version and its schema', async () => {
  expect(await slipway(['--version'], { cwd: folder, program })).toMatchObject({ code: 0 });
  const { out } = await slipway(['validate', '--schema'], { cwd: folder, program });
  expect(JSON.parse(out)).toMatchObject({ title: 'A Slipway pipeline' });
  const file = join(folder, 'node_modules', 'slipway', 'schema', 'pipeline.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(out));
});

it('`npm link` in a checkout puts it on the PATH', async () => {
  const prefix = join(folder, 'prefix');
  execFileSync('npm', ['link', '--silent'], {
    cwd: root,
    stdio: 'pipe',
    env: { ...process.env, npm_config_prefix: prefix },
  });
  expect(await slipway(['--version'], { cwd: folder, program: join(prefix, 'bin', 'slipway') })).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

it('the packed Slipway runs a repository', async () => {
  const repository = join(folder, 'repository');
  mkdirSync(repository);
  writeFileSync(join(repository, '.slipway.yaml'), 'stages: { hello: { commands: [echo hello] } }\n');
  execFileSync('git', ['init', '--quiet'], { cwd: repository });
  const { code, out } = await slipway(['run'], { cwd: repository, program });
  expect(out).toContain('SUCCEEDED');
  expect(code).toBe(0);
});

it('the packed Slipway walks through the demo', async () => {
  const { code, out } = await slipway(['start', '--demo'], { cwd: folder, program });
  expect(out).toContain('Every step was seen');
  expect(code).toBe(0);
});
