import { join } from 'node:path';
import { z } from 'zod';
import { readIfPresent, writePrivate } from '../access/private-file.ts';
import type { StopRequest } from './shim-protocol.ts';

const End = {
  exitCode: z.number(),
  signal: z.number().optional(),
  reason: z.enum(['Completed', 'Error', 'StartError']),
  message: z.string().optional(),
  startedAtMs: z.number(),
  finishedAtMs: z.number(),
};
const Phase = z.discriminatedUnion('phase', [
  z.object({ phase: z.literal('waiting'), reason: z.enum(['ContainerCreating', 'PodInitializing']) }),
  z.object({ phase: z.literal('backoff'), untilMs: z.number() }),
  z.object({ phase: z.literal('running'), pid: z.number(), pidStart: z.string(), startedAtMs: z.number() }),
  z.object({ phase: z.literal('ended'), ...End }),
]);
const Containers = z.array(
  z.object({ name: z.string(), restarts: z.number(), now: Phase, last: z.object(End).optional() }),
);
const State = z.object({
  pid: z.number(),
  pidStart: z.string(),
  startedAtMs: z.number(),
  initContainers: Containers,
  containers: Containers,
  ended: z.object({ atMs: z.number(), cause: z.enum(['finished', 'stopped', 'deadline']) }).optional(),
});
export type PodState = z.infer<typeof State>;
export type PodContainerState = PodState['containers'][number];

const Handed = z.object({ pid: z.number(), pidStart: z.string() });
/** The process that got the pod's spec; on disk before the spec leaves, so that no pod is ever started twice. */
export type Handed = z.infer<typeof Handed>;

const Stop = z.object({ gracePeriodMs: z.number(), evictedFor: z.string().optional() });

/** The files of one pod: `state.json`, `handed.json`, `stop.json`, `logs/`, `volumes/`, `home/`, `tmp/`. */
export class PodFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get home(): string {
    return join(this.path, 'home');
  }

  get temporary(): string {
    return join(this.path, 'tmp');
  }

  volume(name: string): string {
    return join(this.path, 'volumes', name);
  }

  logFile(container: string, restart: number): string {
    return join(this.path, 'logs', container, `${restart}.log`);
  }

  state(): PodState | undefined {
    return this.#read('state.json', State);
  }

  handed(): Handed | undefined {
    return this.#read('handed.json', Handed);
  }

  writeHanded(handed: Handed): void {
    writePrivate(join(this.path, 'handed.json'), JSON.stringify(handed));
  }

  writeStop(request: StopRequest): void {
    writePrivate(join(this.path, 'stop.json'), JSON.stringify(request));
  }

  stop(): StopRequest | undefined {
    const stop = this.#read('stop.json', Stop);
    if (stop === undefined) return undefined;
    const { gracePeriodMs, evictedFor } = stop;
    return { gracePeriodMs, ...(evictedFor === undefined ? {} : { evictedFor }) };
  }

  #read<T>(name: string, schema: z.ZodType<T>): T | undefined {
    const text = readIfPresent(join(this.path, name));
    return text === undefined ? undefined : schema.parse(JSON.parse(text));
  }
}
