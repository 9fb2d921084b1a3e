import { spawn } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Probe } from '../objects/pod.ts';
import { killMarked } from './processes.ts';
import { containerMark, type ShimContainer } from './shim-protocol.ts';

/** What a probe acts on. */
export interface ProbeTarget {
  /** Resolves a port's number or name to the local one. */
  port(port: number | string): number | undefined;
  /** The container as it was started, for commands run in it; `mark` is the mark of its processes. */
  readonly container: ShimContainer;
  readonly mark: string;
}

/** Runs a probe once. @returns undefined where it passed, else why not */
export function runProbe(probe: Probe, target: ProbeTarget): Promise<string | undefined> {
  const timeoutMs = probe.timeoutSeconds * 1000;
  if (probe.httpGet !== undefined) return probeHttp(probe.httpGet, target, timeoutMs);
  if (probe.tcpSocket !== undefined) return probeTcp(probe.tcpSocket.port, target, timeoutMs);
  return probeCommand(probe.exec?.command ?? [], target, timeoutMs);
}

function probeHttp(
  { path, port, scheme, httpHeaders = [] }: NonNullable<Probe['httpGet']>,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<string | undefined> {
  const local = target.port(port);
  if (local === undefined) return Promise.resolve(`the container has no port ${port}`);
  const send = scheme === 'HTTPS' ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const call = send(
      {
        host: '127.0.0.1',
        port: local,
        path: path.startsWith('/') ? path : `/${path}`,
        headers: {
          'user-agent': 'kube-probe/1.34',
          ...Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value])),
        },
        signal: AbortSignal.timeout(timeoutMs),
        agent: false,
        // A probe asks whether the container answers, not who it is; Kubernetes checks no certificate either.
        rejectUnauthorized: false,
      },
      (response) => {
        const code = response.statusCode ?? 0;
        response.destroy();
        resolve(code >= 200 && code < 400 ? undefined : `HTTP probe failed with statuscode: ${code}`);
      },
    );
    call.on('error', (error) => resolve(`Get "${scheme.toLowerCase()}://127.0.0.1:${local}${path}": ${error.message}`));
    call.end();
  });
}

function probeTcp(port: number | string, target: ProbeTarget, timeoutMs: number): Promise<string | undefined> {
  const local = target.port(port);
  if (local === undefined) return Promise.resolve(`the container has no port ${port}`);
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: local, timeout: timeoutMs });
    const end = (fault?: string): void => {
      socket.destroy();
      resolve(fault);
    };
    socket.on('connect', () => end());
    socket.on('timeout', () => end(`dial tcp 127.0.0.1:${local}: i/o timeout`));
    socket.on('error', (error) => end(`dial tcp 127.0.0.1:${local}: ${error.message}`));
  });
}

function probeCommand(command: readonly string[], target: ProbeTarget, timeoutMs: number): Promise<string | undefined> {
  const [program = '', ...words] = command;
  const mark = `${target.mark}/probe`;
  return new Promise((resolve) => {
    const child = spawn(program, words, {
      cwd: target.container.workingFolder,
      env: { ...target.container.environment, [containerMark]: mark },
      stdio: 'ignore',
      detached: true,
    });
    const kill = (): void => {
      if (child.pid !== undefined) killMarked(`${containerMark}=${mark}\0`, [child.pid]);
    };
    const timer = setTimeout(() => {
      kill();
      resolve(`command timed out after ${timeoutMs / 1000} s`);
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve(error.message);
    });
    child.on('exit', (code) => {
      clearTimeout(timer);
      kill();
      resolve(code === 0 ? undefined : `command ended with exit code ${code}`);
    });
  });
}
