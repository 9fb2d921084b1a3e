import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { killMarked, processStart } from './processes.ts';
import { ContainerLog } from './shim-log.ts';
import { type ContainerEnd, containerMark, type ShimContainer } from './shim-protocol.ts';

/** How long output may still come from pipes after the last process of a container was killed. */
const drainMs = 500;

/**
 * Runs a container once: a process in a session of its own. When its first process ends, all others end, as in a real
 * container; then the output is complete on disk, and only then the end is told.
 */
export function runContainer(
  container: ShimContainer,
  options: {
    readonly mark: string;
    readonly logFile: string;
    readonly onStarted: (running: { pid: number; pidStart: string; startedAtMs: number }) => void;
  },
): Promise<ContainerEnd> {
  const startedAtMs = Date.now();
  const [command = '', ...words] = container.argv;
  const failed = (error: Error): ContainerEnd => ({
    exitCode: 128,
    reason: 'StartError',
    message: `failed to start ${JSON.stringify(command)} in ${container.workingFolder}: ${error.message}`,
    startedAtMs,
    finishedAtMs: Date.now(),
  });
  try {
    mkdirSync(dirname(options.logFile), { recursive: true, mode: 0o700 });
    mkdirSync(container.workingFolder, { recursive: true });
  } catch (error) {
    return Promise.resolve(failed(error instanceof Error ? error : new Error(String(error))));
  }
  const log = new ContainerLog(options.logFile);
  const child = spawn(command, words, {
    cwd: container.workingFolder,
    env: { ...container.environment, [containerMark]: options.mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  child.stdout.on('data', (chunk: Buffer) => log.write('stdout', chunk));
  child.stderr.on('data', (chunk: Buffer) => log.write('stderr', chunk));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      if (child.pid !== undefined) return;
      log.close();
      resolve(failed(error));
    });
    const { pid } = child;
    if (pid === undefined) return;
    options.onStarted({ pid, pidStart: processStart(pid) ?? '', startedAtMs });
    child.on('exit', (code, name) => {
      killMarked(`${containerMark}=${options.mark}\0`, [pid]);
      const signal = name === null ? undefined : constants.signals[name];
      const exitCode = code ?? 128 + (signal ?? 0);
      const finishedAtMs = Date.now();
      const timer = setTimeout(finish, drainMs);
      child.on('close', finish);
      function finish(): void {
        clearTimeout(timer);
        child.removeListener('close', finish);
        child.stdout.removeAllListeners('data');
        child.stderr.removeAllListeners('data');
        child.stdout.destroy();
        child.stderr.destroy();
        log.close();
        resolve({
          exitCode,
          ...(signal === undefined ? {} : { signal }),
          reason: exitCode === 0 ? 'Completed' : 'Error',
          ...(exitCode === 0 || !container.tellsOutput ? {} : { message: log.tail }),
          startedAtMs,
          finishedAtMs,
        });
      }
    });
  });
}
