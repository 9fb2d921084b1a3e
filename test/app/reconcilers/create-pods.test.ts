import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CreatePods, defaultCreatePodsSettings } from '../../../app/reconcilers/create-pods.ts';
import { renderWhy } from '../../../checks/answer.ts';
import { renderCheck } from '../../../checks/check-run.ts';
import type { Run } from '../../../engine/core/run.ts';
import type { RunEvent } from '../../../engine/core/run-events.ts';
import { EngineError, type EngineErrorCode } from '../../../engine/ports/errors.ts';
import type { Commit } from '../../../engine/ports/event-store.ts';
import type { AttemptPod, PodObservation } from '../../../engine/ports/pod-runner.ts';
import { RunLoop } from '../../../engine/run-loop.ts';
import { Scheduler } from '../../../engine/scheduler.ts';
import { stage, succeeded, trigger } from '../../engine/core/given-run.ts';

/** One run of one stage over a cluster that the test plays. */
class World {
  readonly started: AttemptPod[] = [];
  readonly stopped: string[] = [];
  readonly told: string[] = [];
  readonly loop: RunLoop;
  readonly createPods: CreatePods;
  readonly scheduler: Scheduler;
  readonly commits: Commit<RunEvent>[] = [];
  refuse: EngineErrorCode | undefined;
  /** While set, the cluster answers no create. */
  answers: Promise<void> | undefined;
  isStoreAway = false;
  #observe: (observation: PodObservation) => void = () => undefined;

  constructor() {
    const clock = { now: () => new Date() };
    const onError = (error: unknown) => {
      if (!this.isStoreAway) throw error;
    };
    this.loop = new RunLoop({
      events: {
        append: async (commit) => {
          if (this.isStoreAway)
            throw new EngineError({
              code: 'unavailable',
              what: 'Appending',
              why: 'no answer',
              fix: 'It is tried again',
            });
          this.commits.push(commit);
          return 'appended';
        },
        load: async (of, after) => this.commits.filter(({ stream, version }) => stream === of && version > after),
        streams: async function* () {},
      },
      snapshots: { save: async () => undefined, latest: async () => undefined, clear: async () => undefined },
      clock,
      replica: 'one',
      onError,
    });
    this.createPods = new CreatePods({
      loop: this.loop,
      pods: {
        start: async (pod) => {
          if (this.refuse !== undefined)
            throw new EngineError({ code: this.refuse, what: 'Creating it', why: 'no room', fix: 'Ask for less' });
          this.started.push(pod);
          await this.answers;
        },
        stop: async ({ podName }) => {
          this.stopped.push(podName);
        },
        watch: (observe) => {
          this.#observe = observe;
          return { stop: () => undefined };
        },
      },
      clock,
      settings: defaultCreatePodsSettings,
      onError,
    });
    this.createPods.onWait((runId) => this.told.push(runId));
    this.scheduler = new Scheduler({
      loop: this.loop,
      rules: { teamSlots: 4, poolSlots: 4, ageAfterMs: 600_000 },
      clock,
      onError,
    });
  }

  async begin(): Promise<void> {
    this.createPods.start();
    await this.create();
    await vi.advanceTimersByTimeAsync(10);
  }

  async create(runId = 'r1', stages = [stage('test')]): Promise<void> {
    await this.loop.send(runId, {
      type: 'CreateRun',
      runId,
      trigger,
      plan: { source: { type: 'detected', explanation: [] }, stages },
      lane: 'main',
      team: 'acme/web',
      replica: 'one',
    });
  }

  async observe(state: PodObservation['state'], attempt = this.started.at(-1)?.attempt ?? 1): Promise<void> {
    const podName = this.started.find((pod) => pod.attempt === attempt)?.podName ?? '';
    this.#observe({ runId: 'r1', stage: 'test', attempt, tenant: trigger.repository.tenant, podName, state });
    await vi.advanceTimersByTimeAsync(1);
  }

  see(observation: PodObservation): void {
    this.#observe(observation);
  }

  get run(): Run {
    const run = this.loop.driven('r1');
    if (run === undefined) throw new Error('The run is not driven any more');
    return run;
  }

  get events(): readonly RunEvent[] {
    return this.commits.flatMap(({ events }) => events);
  }

  get failures(): readonly RunEvent[] {
    return this.events.filter(({ type }) => type === 'StageFailed');
  }

  stop(): void {
    this.createPods.stop();
    this.scheduler.stop();
  }
}

describe('pods that runs want', () => {
  let world: World;
  beforeEach(async () => {
    vi.useFakeTimers();
    world = new World();
  });
  afterEach(() => {
    world.stop();
    vi.useRealTimers();
  });

  const minutes = 60_000;
  const unschedulable = {
    phase: 'waiting',
    reason: 'no node takes it: 1 Insufficient cpu',
    fix: 'Ask for less',
  } as const;

  it('tells what a pod waits for, once for each change, and writes no event of it', async () => {
    await world.begin();
    const commits = world.commits.length;
    await world.observe({ phase: 'waiting' });
    for (let times = 0; times < 5; times += 1) await world.observe(unschedulable);
    expect(world.told).toEqual(['r1']);
    const waits = world.createPods.waitsOf('r1');
    expect(waits).toEqual([{ runId: 'r1', stage: 'test', reason: unschedulable.reason, ahead: 0 }]);
    expect(renderWhy(world.run, 'test', waits)).toContain('waits for its pod: no node takes it: 1 Insufficient cpu');
    const check = renderCheck(world.run, stage('test'), waits[0]?.reason);
    expect(check.title).toBe('Waiting: no node takes it: 1 Insufficient cpu');
    expect(check.summary).toContain('no node takes it: 1 Insufficient cpu');
    await world.observe({ phase: 'running' });
    expect(world.createPods.waitsOf('r1')).toEqual([]);
    expect(world.commits).toHaveLength(commits);
  });

  it('says what a person has to mend of a pod that never started, and does not try it again', async () => {
    await world.begin();
    await world.observe(unschedulable);
    await vi.advanceTimersByTimeAsync(16 * minutes);
    expect(world.failures).toMatchObject([
      { cause: { type: 'configuration', message: expect.stringContaining('1 Insufficient cpu. Ask for less') } },
    ]);
    expect(world.started).toHaveLength(1);
  });

  it('tries again what never started for no reason that a person could mend', async () => {
    await world.begin();
    await world.observe({ phase: 'waiting', reason: 'the image x cannot be pulled: connection refused' });
    await vi.advanceTimersByTimeAsync(15 * minutes + 5_000);
    expect(world.failures).toMatchObject([
      { cause: { type: 'infrastructure', message: expect.stringContaining('connection refused') } },
    ]);
    expect(world.started.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('waits less long for what seldom mends itself', async () => {
    await world.begin();
    await world.observe({
      phase: 'waiting',
      reason: 'the registry is not found',
      fix: 'Correct it',
      patienceMs: 2 * minutes,
    });
    await vi.advanceTimersByTimeAsync(2 * minutes - 100);
    expect(world.failures).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(world.failures).toMatchObject([{ cause: { type: 'configuration' } }]);
  });

  it('waits for room in a quota and says so, as long as for a node', async () => {
    world.refuse = 'exhausted';
    await world.begin();
    await vi.advanceTimersByTimeAsync(5 * minutes);
    expect(world.createPods.waitsOf('r1')).toMatchObject([{ reason: 'no room' }]);
    expect(world.failures).toEqual([]);
    world.refuse = undefined;
    await vi.advanceTimersByTimeAsync(11_000);
    expect(world.started).toHaveLength(1);
    await world.observe({ phase: 'waiting' });
    expect(world.createPods.waitsOf('r1')).toEqual([]);
  });

  it('fails at once what the cluster will never take', async () => {
    world.refuse = 'invalid';
    await world.begin();
    expect(world.failures).toMatchObject([
      { cause: { type: 'configuration', message: 'Creating it: no room. Ask for less' } },
    ]);
  });

  it('retries what the cluster did to a pod, within a bound, with growing pauses, and not at the expense of the change', async () => {
    await world.begin();
    const pauses: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      expect(world.started).toHaveLength(attempt);
      await world.observe({ phase: 'ended', cause: 'evicted', message: 'The node ran short: memory' });
      const before = Date.now();
      await vi.advanceTimersByTimeAsync(defaultCreatePodsSettings.silenceMs);
      for (let ms = 0; ms < 60_000 && world.started.length === attempt; ms += 100)
        await vi.advanceTimersByTimeAsync(100);
      pauses.push(Math.round((Date.now() - before - defaultCreatePodsSettings.silenceMs) / 1_000));
    }
    expect(pauses.slice(0, 3)).toEqual([1, 4, 16]);
    expect(world.started).toHaveLength(4);
    expect(world.failures).toHaveLength(4);
    expect(world.failures).toMatchObject(Array(4).fill({ cause: { type: 'infrastructure' } }));
  });

  it('gives a pod that is asked to end its time, then counts it as lost though it still shows', async () => {
    await world.begin();
    await world.loop.send('r1', { type: 'StartStage', stage: 'test', attempt: 1 });
    const by = new Date(Date.now() + 30_000);
    await world.observe({ phase: 'leaving', by, cause: 'tainted', message: 'Its node does not answer' });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(world.failures).toEqual([]);
    await vi.advanceTimersByTimeAsync(defaultCreatePodsSettings.silenceMs + 10);
    expect(world.failures).toMatchObject([{ cause: { type: 'infrastructure', message: 'Its node does not answer' } }]);
  });

  it('knows for an agent that was only asked to end who asked', async () => {
    await world.begin();
    await world.observe({ phase: 'leaving', by: new Date(Date.now() + 30_000), cause: 'drained', message: 'drained' });
    expect(world.createPods.disturbanceOf(world.started[0]?.podName ?? '')).toBe('drained');
  });

  it('takes no pod’s success for its stage’s: without its agent’s word the attempt is lost', async () => {
    await world.begin();
    await world.observe({ phase: 'ended', cause: 'completed', exitCode: 0, message: 'exit code 0' });
    expect(world.failures).toEqual([]);
    await vi.advanceTimersByTimeAsync(defaultCreatePodsSettings.silenceMs + 10);
    expect(world.failures).toMatchObject([{ cause: { type: 'infrastructure' } }]);
    expect(world.failures).toMatchObject([{ log: { missing: 'what followed was lost with the agent' } }]);
  });

  it('removes pods that no run wants any more', async () => {
    await world.begin();
    const left = { runId: 'long-gone', stage: 'test', attempt: 3, tenant: 'github:1', podName: 'run-long-gone' };
    world.see({ ...left, state: { phase: 'running' } });
    expect(world.stopped).toEqual(['run-long-gone']);
  });

  it('deletes the pod of an ended attempt once, however often its end is seen', async () => {
    await world.begin();
    await world.loop.send('r1', { type: 'StartStage', stage: 'test', attempt: 1 });
    await world.loop.send('r1', { type: 'RecordResult', stage: 'test', attempt: 1, result: succeeded });
    await vi.advanceTimersByTimeAsync(defaultCreatePodsSettings.lingerMs + 10);
    const by = new Date(Date.now() + 10_000);
    for (let times = 0; times < 3; times += 1)
      await world.observe({ phase: 'leaving', by, cause: 'deleted', message: 'deleted' });
    expect(world.stopped).toHaveLength(1);
  });

  it('records that a pod was lost once the store is back, though nothing more is seen of it', async () => {
    await world.begin();
    await world.observe({ phase: 'running' });
    world.isStoreAway = true;
    await world.observe({ phase: 'gone' });
    await vi.advanceTimersByTimeAsync(5 * minutes);
    expect(world.failures).toEqual([]);
    world.isStoreAway = false;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(world.failures).toMatchObject([{ attempt: 1, cause: { type: 'infrastructure' } }]);
    expect(world.started.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('grants a slot once the store is back, though nothing else happens in that run', async () => {
    await world.begin();
    await world.observe({ phase: 'gone' });
    await vi.advanceTimersByTimeAsync(defaultCreatePodsSettings.silenceMs);
    expect(world.failures).toHaveLength(1);
    // The next attempt waits for its time, and the store is away when it comes.
    world.isStoreAway = true;
    await vi.advanceTimersByTimeAsync(5 * minutes);
    expect(world.started).toHaveLength(1);
    world.isStoreAway = false;
    await vi.advanceTimersByTimeAsync(1_100);
    expect(world.started).toHaveLength(2);
  });

  it('leaves the pod of a stage that succeeded a moment to end by itself, and deletes a cancelled one at once', async () => {
    await world.begin();
    await world.loop.send('r1', { type: 'StartStage', stage: 'test', attempt: 1 });
    await world.loop.send('r1', { type: 'RecordResult', stage: 'test', attempt: 1, result: succeeded });
    await world.observe({ phase: 'running' });
    expect(world.stopped).toHaveLength(0);
    await world.observe({ phase: 'ended', cause: 'completed', message: 'completed' });
    await vi.advanceTimersByTimeAsync(defaultCreatePodsSettings.lingerMs);
    expect(world.stopped).toHaveLength(1);

    const other = new World();
    await other.begin();
    await other.loop.send('r1', { type: 'CancelRun', by: 'slipway', reason: 'superseded' });
    await vi.advanceTimersByTimeAsync(10);
    expect(other.stopped).toHaveLength(1);
    other.stop();
  });

  it('leaves pods that are over alone while the cluster has many to make, but not for ever', async () => {
    await world.begin();
    await world.loop.send('r1', { type: 'StartStage', stage: 'test', attempt: 1 });
    await world.loop.send('r1', { type: 'RecordResult', stage: 'test', attempt: 1, result: succeeded });
    const { promise, resolve } = Promise.withResolvers<void>();
    world.answers = promise;
    const stages = Array.from({ length: 40 }, (_, index) => stage(`s${index}`));
    await world.create('r2', stages);
    const together = stages.slice(1).map(({ name }) => ({ stage: name, reason: '' }));
    await world.loop.send('r2', { type: 'ScheduleStage', stage: 's0', reason: '', together });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(world.stopped).toEqual([]);
    await vi.advanceTimersByTimeAsync(defaultCreatePodsSettings.longestLingerMs);
    expect(world.stopped).toHaveLength(1);
    resolve();
  });

  it('gives an attempt that ran out of memory twice as much, once, and says so in the check', async () => {
    await world.begin();
    for (const _ of [1, 2]) {
      await world.observe({ phase: 'ended', cause: 'out-of-memory', message: 'too much' });
      const wasOpen = world.run;
      await vi.advanceTimersByTimeAsync(defaultCreatePodsSettings.silenceMs + 100);
      expect(wasOpen.outcome).toBeUndefined();
      if (world.started.length === 2 && world.failures.length === 1) {
        expect(renderCheck(world.run, stage('test')).summary).toContain(
          'It ran out of the 512 MiB of memory that it asks for and was tried once more with 1024 MiB',
        );
      }
    }
    expect(world.started.map(({ resources }) => resources.memoryBytes / 2 ** 20)).toEqual([512, 1_024]);
    const last = await world.loop.runAt('r1', 1_000);
    if (last === undefined) throw new Error('no run');
    const { title, summary } = renderCheck(last.run, stage('test'));
    expect(title).toBe('Out of memory at 1024 MiB');
    expect(summary).toContain('ask for more: `resources: { memory: 2048Mi }`');
  });
});
