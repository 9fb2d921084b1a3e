import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunEvent } from '../../engine/core/run-events.ts';
import type { Commit } from '../../engine/ports/event-store.ts';
import { RunLoop } from '../../engine/run-loop.ts';
import { Scheduler } from '../../engine/scheduler.ts';
import { stage, succeeded, trigger } from './core/given-run.ts';

/** Runs of two stages, one after the other, and the commits that they take. */
class World {
  readonly commits: Commit<RunEvent>[] = [];
  readonly loop: RunLoop;
  readonly scheduler: Scheduler;
  storeIsAway = false;

  constructor(teamSlots: number) {
    const clock = { now: () => new Date() };
    this.loop = new RunLoop({
      events: {
        append: async (commit) => {
          if (this.storeIsAway) throw new Error('The store is away');
          this.commits.push(commit);
          return 'appended';
        },
        load: async (stream, after) =>
          this.commits.filter((commit) => commit.stream === stream && commit.version > after),
        streams: async function* () {},
      },
      snapshots: { save: async () => undefined, latest: async () => undefined, clear: async () => undefined },
      clock,
      replica: 'one',
      onError: (error) => {
        throw error;
      },
    });
    this.scheduler = new Scheduler({
      loop: this.loop,
      rules: { teamSlots, poolSlots: 100, ageAfterMs: 600_000 },
      clock,
      onError: () => undefined,
    });
  }

  async begin(runId: string): Promise<void> {
    await this.loop.send(runId, {
      type: 'CreateRun',
      runId,
      trigger,
      plan: {
        source: { type: 'detected', explanation: [] },
        stages: [stage('build'), stage('test', { needs: ['build'] })],
      },
      lane: 'main',
      team: 'acme/web',
      replica: 'one',
    });
    await vi.advanceTimersByTimeAsync(10);
  }

  async succeed(runId: string, name: string): Promise<void> {
    await this.loop.send(runId, { type: 'StartStage', stage: name, attempt: 1 });
    await this.loop.send(runId, { type: 'RecordResult', stage: name, attempt: 1, result: succeeded });
  }

  /** The types of each commit's events. */
  commitsOf(runId: string): readonly string[] {
    return this.commits
      .filter(({ stream }) => stream === runId)
      .map(({ events }) => events.map(({ type }) => type).join(' '));
  }
}

describe('slots for stages that become ready', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('are granted in the very commit that makes them ready, while nobody else waits', async () => {
    const world = new World(1);
    await world.begin('r1');
    await world.succeed('r1', 'build');
    expect(world.commitsOf('r1')).toEqual([
      'RunCreated RunClaimed StageScheduled',
      'StageStarted',
      'StageSucceeded StageScheduled',
    ]);
    world.scheduler.stop();
  });

  it('go to who waits longer, though a commit of another run made them free', async () => {
    const world = new World(1);
    await world.begin('r1');
    await world.begin('r2');
    await world.succeed('r1', 'build');
    await vi.advanceTimersByTimeAsync(10);
    expect(world.commitsOf('r1').at(-1)).toBe('StageSucceeded');
    expect(world.commitsOf('r2')).toEqual(['RunCreated RunClaimed', 'StageScheduled']);
    world.scheduler.stop();
  });

  it('are free again when the commit that was to grant them failed', async () => {
    const world = new World(1);
    await world.begin('r1');
    await world.loop.send('r1', { type: 'StartStage', stage: 'build', attempt: 1 });
    world.storeIsAway = true;
    const result = { type: 'RecordResult', stage: 'build', attempt: 1, result: succeeded } as const;
    await expect(world.loop.send('r1', result)).rejects.toThrow('away');
    world.storeIsAway = false;
    await world.loop.send('r1', result);
    expect(world.commitsOf('r1').at(-1)).toBe('StageSucceeded StageScheduled');
    world.scheduler.stop();
  });
});
