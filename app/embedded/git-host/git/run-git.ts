import { spawn } from 'node:child_process';

/** A git command that failed; its output may name paths and refs, never credentials: none are passed on the command line. */
export class GitCommandError extends Error {
  override readonly name = 'GitCommandError';
  readonly exitCode: number | null;

  constructor(facts: { readonly args: readonly string[]; readonly exitCode: number | null; readonly why: string }) {
    super(`git ${facts.args[0] ?? ''} failed (${facts.exitCode ?? 'killed'}): ${facts.why.trim().slice(0, 500)}`);
    this.exitCode = facts.exitCode;
  }
}

export interface GitRunOptions {
  readonly repositoryPath: string;
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** Output beyond this is an error. */
  readonly maxBytes?: number;
  /** Exit codes that are answers, not faults. */
  readonly answers?: readonly number[];
  readonly timeoutMs?: number;
}

/** This machine's own git settings, prompts and language stay out, so that every machine answers alike. */
export function gitEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    ...extra,
  };
}

/** @throws GitCommandError when git fails, answers too much or takes too long */
export async function runGit(
  args: readonly string[],
  options: GitRunOptions,
): Promise<{ readonly stdout: Buffer; readonly exitCode: number }> {
  const { maxBytes = 64 * 1024 * 1024, answers = [], timeoutMs = 60_000 } = options;
  return await new Promise((resolve, reject) => {
    const child = spawn('git', ['--literal-pathspecs', ...args], {
      cwd: options.repositoryPath,
      env: gitEnvironment({ GIT_DIR: options.repositoryPath, ...options.env }),
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const chunks: Buffer[] = [];
    let size = 0;
    let complaint = '';
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        complaint = `more than ${maxBytes} bytes of output`;
        child.kill('SIGKILL');
      } else chunks.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < 4000) complaint += chunk.toString();
    });
    // git may end without reading its input; that shows in the exit code.
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => reject(new GitCommandError({ args, exitCode: null, why: error.message })));
    child.once('close', (exitCode) => {
      if (exitCode === 0 || (exitCode !== null && answers.includes(exitCode)))
        resolve({ stdout: Buffer.concat(chunks), exitCode });
      else reject(new GitCommandError({ args, exitCode, why: complaint }));
    });
    child.stdin.end(options.input ?? '');
  });
}
