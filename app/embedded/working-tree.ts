import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Sha } from '../../engine/core/trigger.ts';

const run = promisify(execFile);
const timeoutMs = 5 * 60_000;
const maxOutputBytes = 2 ** 24;

/**
 * Makes a commit of a folder as it is now, without touching it: in a repository of its own, whose work tree the folder
 * is. What `.gitignore` leaves out stays out.
 * @returns where agents fetch it, and its id
 */
export async function commitWorkingTree(
  folder: string,
  into: string,
): Promise<{ readonly url: string; readonly sha: Sha; readonly branch: string }> {
  const repository = resolve(into, 'source.git');
  const env = {
    PATH: process.env['PATH'],
    HOME: into,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'slipway',
    GIT_AUTHOR_EMAIL: 'slipway@localhost',
    GIT_COMMITTER_NAME: 'slipway',
    GIT_COMMITTER_EMAIL: 'slipway@localhost',
  };
  const git = async (...words: string[]) =>
    (await run('git', words, { cwd: folder, env, timeout: timeoutMs, maxBuffer: maxOutputBytes })).stdout.trim();
  await git('init', '--quiet', '--bare', repository);
  const here = ['--git-dir', repository, '--work-tree', folder];
  await git(...here, 'add', '--all', '--', '.');
  await git(...here, 'commit', '--quiet', '--allow-empty', '--no-verify', '--message', 'The working tree');
  // A folder that is in no repository, or in one without a commit, is on no branch.
  const branch = await git('-C', folder, 'rev-parse', '--abbrev-ref', 'HEAD').catch(() => 'main');
  return { url: `file://${join(repository)}`, sha: Sha(await git(...here, 'rev-parse', 'HEAD')), branch };
}

/** The top of the repository that a folder is in; the folder itself where it is in none. */
export async function repositoryRoot(folder: string): Promise<string> {
  return run('git', ['rev-parse', '--show-toplevel'], { cwd: folder, timeout: timeoutMs }).then(
    ({ stdout }) => stdout.trim() || folder,
    () => folder,
  );
}
