import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../../app/embedded/free-port.ts';
import { type RealGitea, realGitea, withoutGitea } from '../../providers/gitea/real-gitea.ts';
import { slipway } from './run-slipway.ts';

const launcher = join(import.meta.dirname, '..', '..', '..', 'app', 'cli', 'launcher.js');
const Repository = z.object({ id: z.number() });
const Hooks = z.array(z.object({ id: z.number(), config: z.object({ url: z.string() }) }));

describe.skipIf(withoutGitea !== undefined)(`slipway connect (${withoutGitea ?? 'on a real Gitea'})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-connect-'));
  const data = join(folder, 'state');
  const owner = `connect-${Date.now()}`;
  let gitea: RealGitea;
  let url: string;
  let tokens: string;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    gitea = await realGitea();
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const server = spawn(process.execPath, [launcher, 'start', '--data', data, '--port', String(port)], {
      env: { ...process.env, SLIPWAY_PUBLIC_URL: url, SLIPWAY_AGENT_PORT: '0', SLIPWAY_LOG: 'warn' },
      stdio: 'inherit',
    });
    stop = async () => {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGTERM');
      await ended;
    };
    await vi.waitFor(() => expect(existsSync(join(data, 'connection.json'))).toBe(true), {
      timeout: 60_000,
      interval: 200,
    });
    const { ask, bot } = gitea;
    await ask(bot, z.unknown(), 'POST', '/orgs', { username: owner });
    for (const name of ['web', 'shop'])
      await ask(bot, Repository, 'POST', `/orgs/${owner}/repos`, { name, private: true, default_branch: 'main' });
    const token = await gitea.botToken(['write:repository', 'write:issue', 'read:organization', 'read:user']);
    tokens = `${token}\n${await gitea.botToken(['read:repository'])}\n`;
  }, 120_000);
  afterAll(async () => {
    await stop();
    await gitea.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const run = (words: readonly string[], input?: string) =>
    slipway([...words, '--data', data], { cwd: folder, env: {}, ...(input === undefined ? {} : { input }) });
  const hooks = (name: string) => gitea.ask(gitea.bot, Hooks, 'GET', `/repos/${owner}/${name}/hooks`);
  const runs = async () =>
    z.array(z.looseObject({ repository: z.string() })).parse(JSON.parse((await run(['runs', '--json'])).out));
  const commit = (name: string) =>
    gitea.ask(gitea.bot, z.unknown(), 'POST', `/repos/${owner}/${name}/contents`, {
      message: 'Begin',
      branch: 'main',
      files: [
        {
          operation: 'create',
          path: '.slipway.yaml',
          content: btoa('on:\n  push: {}\nstages:\n  hello:\n    image: node:24\n    commands: [echo hello]\n'),
        },
      ],
    });

  it('says what it would do, does it with tokens from standard input, and finds nothing left to do', async () => {
    const connect = ['connect', 'gitea', owner, '--url', gitea.url];
    expect(await run(connect)).toMatchObject({ code: 1, err: expect.stringContaining('are not given') });
    const dry = await run([...connect, '--token-stdin', '--dry-run'], tokens);
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('would be made') });
    expect(await hooks('web')).toEqual([]);
    const made = await run([...connect, '--token-stdin', '--labels'], tokens);
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining('2 made') });
    expect((await hooks('web')).map(({ config }) => config.url)).toEqual([`${url}/webhooks/gitea`]);
    const again = await run(['connect', 'gitea', owner]);
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining('2 as it should be') });
    for (const each of [dry, made, again]) expect(each.out + each.err).not.toContain(tokens.split('\n')[0]);
  }, 60_000);

  it('starts a run of the first push', async () => {
    await commit('web');
    await expect.poll(runs, { timeout: 60_000, interval: 500 }).toMatchObject([{ repository: `${owner}/web` }]);
  }, 90_000);

  it('tells by doctor that all is well, then what somebody broke, and mends it', async () => {
    const well = await run(['doctor']);
    expect(well.out).toContain('Pods can clone');
    expect(well.out).toContain('2 of 2 webhooks are as they should be');
    expect(well.code).toBe(0);
    const [hook] = await hooks('shop');
    await gitea.ask(gitea.bot, z.unknown(), 'DELETE', `/repos/${owner}/shop/hooks/${hook?.id}`);
    const broken = await run(['doctor', '--json']);
    expect(broken.code).toBe(1);
    expect(JSON.parse(broken.out)).toMatchObject({
      broken: 1,
      findings: expect.arrayContaining([expect.objectContaining({ what: `${owner}/shop has no webhook` })]),
    });
    await run(['connect', 'gitea', owner]);
    expect((await run(['doctor'])).code).toBe(0);
  }, 90_000);

  it('takes everything away again', async () => {
    const gone = await run(['disconnect', 'gitea', owner]);
    expect(gone).toMatchObject({ code: 0, out: expect.stringContaining('2 removed') });
    expect(await hooks('web')).toEqual([]);
    expect((await run(['doctor'])).out).toContain('No Git host is set up');
  }, 60_000);
});
