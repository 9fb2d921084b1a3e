import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { commitFile, git, startReceiver, temporaryFolder } from './running-host.ts';

async function startProcess(dataDir: string, webhookUrl: string): Promise<{ child: ChildProcess; remote: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'host-process.ts'), dataDir, webhookUrl], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [line] = await once(child.stdout, 'data');
  return { child, remote: String(line).trim() };
}

it('killed at any moment of a push, it has told of every branch that git holds once it runs again', async () => {
  const dataDir = join(await temporaryFolder(), 'state');
  const receiver = await startReceiver('s3cret');
  const clone = await temporaryFolder();
  await git(clone, 'init', '--quiet', '--initial-branch=main');
  await commitFile(clone, 'a.txt', 'one\n', 'Start');

  for (const [round, afterMs] of [15, 30, 45, 60, 80].entries()) {
    const { child, remote } = await startProcess(dataDir, receiver.url);
    const push = git(clone, 'push', '--quiet', remote, `HEAD:refs/heads/b${round}`).catch(() => 'broken off');
    await wait(afterMs);
    child.kill('SIGKILL');
    await Promise.all([push, once(child, 'close')]);
  }
  const { remote } = await startProcess(dataDir, receiver.url);
  await git(clone, 'push', '--quiet', remote, 'HEAD:refs/heads/last');
  const held = (await git(clone, 'ls-remote', '--heads', remote)).split('\n').map((line) => line.split('\t')[1]);
  const told = () =>
    new Set(
      receiver.received.filter(({ event, isSigned }) => event === 'push' && isSigned).map(({ body }) => body['ref']),
    );
  for (let tries = 0; tries < 50 && !told().has('refs/heads/last'); tries++) await wait(50);
  expect([...told()].sort()).toEqual(held.sort());
});
