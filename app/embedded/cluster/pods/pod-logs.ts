import { existsSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { numberOf } from '../api/listing.ts';
import { badRequest } from '../api/status-error.ts';
import type { Pod } from '../objects/pod.ts';
import { type LogLine, readLines, tailOffset } from './log-file.ts';
import type { PodFolder, PodState } from './pod-folder.ts';

const followMs = 100;

interface LogQuery {
  readonly container: string;
  readonly isFollowed: boolean;
  readonly isPrevious: boolean;
  readonly hasTimestamps: boolean;
  readonly tailLines: number | undefined;
  readonly limitBytes: number;
  readonly since: string;
}

/** As much of a pod's worker as its log needs. */
export interface LoggedPod {
  readonly folder: PodFolder;
  readonly state: PodState | undefined;
  readonly isEnded: boolean;
}

/** Sends a container's log. @throws StatusError 400 where it has none (yet), or the query is wrong */
export async function sendLog(
  pod: Pod,
  worker: LoggedPod,
  query: URLSearchParams,
  response: ServerResponse,
  options: { readonly now: Date; readonly stopped: AbortSignal },
): Promise<void> {
  const wanted = parseQuery(pod, query, options.now);
  const restart = restartOf(pod, worker, wanted);
  response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  let left = wanted.limitBytes;
  for await (const line of logLines(worker, wanted, restart, () => response.destroyed || options.stopped.aborted)) {
    if (line.time < wanted.since) continue;
    const bytes = wanted.hasTimestamps ? Buffer.concat([Buffer.from(`${line.time} `), line.text]) : line.text;
    const isFlowing = response.write(bytes.subarray(0, left));
    left -= bytes.length;
    if (left <= 0 || response.destroyed) break;
    if (!isFlowing) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}

async function* logLines(
  worker: LoggedPod,
  wanted: LogQuery,
  restart: number,
  isLeft: () => boolean,
): AsyncGenerator<LogLine> {
  const file = worker.folder.logFile(wanted.container, restart);
  const older = `${file}.1`;
  let offset = 0;
  if (wanted.tailLines === undefined) {
    if (existsSync(older)) for await (const { line } of readLines(older, 0)) yield line;
  } else {
    const tail = await tailOffset(file, wanted.tailLines);
    offset = tail.offset;
    if (tail.lines < wanted.tailLines && existsSync(older)) {
      const before = await tailOffset(older, wanted.tailLines - tail.lines);
      for await (const { line } of readLines(older, before.offset)) yield line;
    }
  }
  let { inode } = idOf(file);
  for (;;) {
    // Asked before reading: what is written between the two is read in the next round.
    const isOver = isRunOver(worker, wanted.container, restart);
    const present = idOf(file);
    if (present.inode !== inode) {
      // The file was turned over: the rest of the old one comes first.
      for await (const { line } of readLines(older, offset)) yield line;
      offset = 0;
      inode = present.inode;
    }
    if (present.size > offset) {
      for await (const { line, next } of readLines(file, offset)) {
        offset = next;
        yield line;
      }
    }
    if (!wanted.isFollowed || isOver || isLeft()) return;
    await sleep(followMs);
  }
}

function isRunOver(worker: LoggedPod, name: string, restart: number): boolean {
  const state = containerOf(worker, name);
  return (
    worker.isEnded ||
    state === undefined ||
    state.restarts > restart ||
    state.now.phase === 'ended' ||
    state.now.phase === 'backoff'
  );
}

function containerOf({ state }: LoggedPod, name: string) {
  return [...(state?.initContainers ?? []), ...(state?.containers ?? [])].find((container) => container.name === name);
}

/** Which run of the container is meant: the present one, or the one before. */
function restartOf(pod: Pod, worker: LoggedPod, { container, isPrevious }: LogQuery): number {
  const state = containerOf(worker, container);
  const where = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata.name)}`;
  if (isPrevious) {
    if (state === undefined || state.restarts === 0) throw badRequest(`previous terminated ${where} not found`);
    return state.restarts - 1;
  }
  const file = worker.folder.logFile(container, state?.restarts ?? 0);
  if (state === undefined || (state.now.phase === 'waiting' && !existsSync(file))) {
    const reason = pod.status.containerStatuses?.find(({ name }) => name === container)?.state?.waiting?.reason;
    throw badRequest(`${where} is waiting to start: ${reason ?? 'ContainerCreating'}`);
  }
  return state.restarts;
}

function parseQuery(pod: Pod, query: URLSearchParams, now: Date): LogQuery {
  const names = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name);
  const mains = pod.spec.containers.map(({ name }) => name);
  const container = query.get('container') || (mains.length === 1 ? (mains[0] ?? '') : '');
  const { name } = pod.metadata;
  if (container === '')
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${mains.join(' ')}]`);
  if (!names.includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`);
  const sinceSeconds = numberOf(query, 'sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const sinceMs = sinceTime === null ? undefined : Date.parse(sinceTime);
  if (Number.isNaN(sinceMs)) throw badRequest(`sinceTime: ${JSON.stringify(sinceTime)} is no time`);
  const fromMs = sinceMs ?? (sinceSeconds === undefined ? undefined : now.getTime() - sinceSeconds * 1000);
  return {
    container,
    isFollowed: query.get('follow') === 'true' || query.get('follow') === '1',
    isPrevious: query.get('previous') === 'true' || query.get('previous') === '1',
    hasTimestamps: query.get('timestamps') === 'true' || query.get('timestamps') === '1',
    tailLines: numberOf(query, 'tailLines'),
    limitBytes: numberOf(query, 'limitBytes') ?? Number.POSITIVE_INFINITY,
    since: fromMs === undefined ? '' : new Date(fromMs).toISOString().slice(0, -1),
  };
}

function idOf(file: string): { inode: number; size: number } {
  const stats = statSync(file, { throwIfNoEntry: false });
  return { inode: stats?.ino ?? 0, size: stats?.size ?? 0 };
}

function once(response: ServerResponse, event: 'drain' | 'close'): Promise<void> {
  return new Promise((resolve) => {
    response.once(event, () => resolve());
  });
}
