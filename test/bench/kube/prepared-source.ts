import { execFileSync } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gitEnvironment } from '../../../app/embedded/git-host/git/run-git.ts';
import { serveGit } from '../../../app/embedded/git-host/git/smart-http.ts';

const timeoutMs = 30_000;

/** A repository whose every commit is made when it is asked for, and that agents fetch by the smart protocol. */
export class PreparedSource {
  readonly #path: string;
  readonly #tree: string;
  #commits = 0;

  constructor(folder: string) {
    this.#path = join(folder, 'source.git');
    execFileSync('git', ['init', '--quiet', '--bare', this.#path], { env: gitEnvironment() });
    this.#git('config', 'uploadpack.allowAnySHA1InWant', 'true');
    this.#tree = this.#git('mktree');
  }

  /** @returns the SHA of a commit that was not there before */
  commit(): string {
    this.#commits += 1;
    return this.#git('commit-tree', this.#tree, '-m', `Change ${this.#commits}`);
  }

  /** Answers git's own requests, whatever repository they name. @returns whether it was one */
  answer(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const [, path, query = ''] = /\.git(\/info\/refs|\/git-upload-pack)(?:\?(.*))?$/.exec(incoming.url ?? '') ?? [];
    if (path === undefined) return false;
    const request = { repositoryPath: this.#path, path, query, user: '', incoming, outgoing, timeoutMs };
    serveGit({ ...request, beforeEnd: async () => undefined }).catch((error: unknown) =>
      outgoing.destroy(error as Error),
    );
    return true;
  }

  #git(...words: readonly string[]): string {
    const who = { GIT_AUTHOR_NAME: 'dev', GIT_AUTHOR_EMAIL: 'dev@example.com' };
    const env = gitEnvironment({ ...who, GIT_COMMITTER_NAME: 'dev', GIT_COMMITTER_EMAIL: 'dev@example.com' });
    return execFileSync('git', ['--git-dir', this.#path, ...words], { env, encoding: 'utf8', input: '' }).trim();
  }
}
