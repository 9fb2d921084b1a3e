import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A program of the benchmark in a process of its own: its memory and its event loop are not the benchmark's. */
export class Child {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static start(program: string, ...words: readonly string[]): Child {
    // As the launcher starts Slipway.
    return new Child(
      fork(program, words, { execArgv: ['--max-semi-space-size=4'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
    );
  }

  /** The next message it sends. @throws Error when it ends first */
  async said(): Promise<unknown> {
    const ended = once(this.#process, 'exit').then(([code]) => {
      throw new Error(`The benchmark's process ended with exit code ${String(code)}`);
    });
    const [message] = await Promise.race([once(this.#process, 'message'), ended]);
    return message;
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}

/** Tells the benchmark's process something. */
export function tell(message: object): void {
  process.send?.(message);
}
