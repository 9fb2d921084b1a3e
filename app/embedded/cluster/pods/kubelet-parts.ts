import type { EventRecorder } from '../controllers/events.ts';
import type { Objects } from '../store/objects.ts';
import type { ShimPool } from './shim-pool.ts';
import type { Volumes } from './volumes.ts';

/** What the workers of pods share. */
export interface KubeletParts {
  readonly objects: Objects;
  readonly volumes: Volumes;
  readonly shims: ShimPool;
  readonly events: EventRecorder;
  readonly backoffMs: number;
  readonly now: () => Date;
  folderOf(uid: string): string;
  onGone(uid: string): void;
  onError(error: unknown, pod: string): void;
}
