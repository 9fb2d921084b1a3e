import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const timeoutMs = 30_000;

/** A clone that the tour works in as a developer would: real git, real pushes. */
export class WorkingCopy {
  readonly folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(folder: string, environment: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.#environment = environment;
  }

  /** @param access the password goes to git by a credential helper that reads the environment, never into a URL */
  static async create(
    folder: string,
    access: { readonly url: string; readonly login: string; readonly token: string; readonly email: string },
  ): Promise<WorkingCopy> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const copy = new WorkingCopy(folder, {
      PATH: process.env['PATH'],
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: access.login,
      GIT_AUTHOR_EMAIL: access.email,
      GIT_COMMITTER_NAME: access.login,
      GIT_COMMITTER_EMAIL: access.email,
      TOUR_LOGIN: access.login,
      TOUR_TOKEN: access.token,
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'credential.helper',
      GIT_CONFIG_VALUE_0: '!f() { echo "username=$TOUR_LOGIN"; echo "password=$TOUR_TOKEN"; }; f',
      GIT_CONFIG_KEY_1: 'credential.useHttpPath',
      GIT_CONFIG_VALUE_1: 'false',
    });
    await copy.git('init', '--quiet', '--initial-branch=main');
    await copy.git('remote', 'add', 'origin', access.url);
    return copy;
  }

  /** Writes files, commits them on the branch (made from main where it is new) and pushes. @returns the new head SHA */
  async push(branch: string, files: Readonly<Record<string, string>>, message: string): Promise<string> {
    if ((await this.git('branch', '--show-current')) !== branch) {
      await this.git('checkout', '--quiet', ...((await this.#has(branch)) ? [branch] : ['-b', branch, 'main']));
    }
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(this.folder, path)), { recursive: true });
      await writeFile(join(this.folder, path), content);
    }
    await this.git('add', '--all', ...(Object.keys(files).length === 0 ? [] : ['--', ...Object.keys(files)]));
    await this.git('commit', '--quiet', '--allow-empty', '--message', message);
    await this.git('push', '--quiet', 'origin', branch);
    return this.git('rev-parse', 'HEAD');
  }

  /** Brings main up to what the host has. */
  async pullMain(): Promise<void> {
    await this.git('checkout', '--quiet', 'main');
    await this.git('pull', '--quiet', '--ff-only', 'origin', 'main');
  }

  async git(...words: readonly string[]): Promise<string> {
    const { stdout } = await run('git', [...words], { cwd: this.folder, env: this.#environment, timeout: timeoutMs });
    return stdout.trim();
  }

  async #has(branch: string): Promise<boolean> {
    return (await this.git('branch', '--list', branch)) !== '';
  }
}
