import fc from 'fast-check';
import { expect, it } from 'vitest';
import { evolve, isActive, type Run } from '../../../engine/core/run.ts';
import type { RunCommand } from '../../../engine/core/run-commands.ts';
import type { RunEvent } from '../../../engine/core/run-events.ts';
import { failed, GivenRun, stage, succeeded } from './given-run.ts';

const person = { login: 'dev', id: '3' };
const names = ['a', 'b', 'c', 'd', 'e'];

/** Any DAG of five stages: each may need any before it. */
const plans = fc
  .tuple(
    ...names.map((_, index) =>
      fc.tuple(
        fc.subarray(names.slice(0, index)),
        fc.integer({ min: 0, max: 2 }),
        fc.constantFrom('success', 'failure', 'always'),
      ),
    ),
  )
  .map((stages) =>
    stages.map(([needs, retries, after], index) => stage(names[index] ?? '', { needs, retries, when: { after } })),
  );

const attempt = fc.integer({ min: 1, max: 4 });
const name = fc.constantFrom(...names);
const result = fc.constantFrom(
  succeeded,
  failed(),
  failed({ cause: { type: 'infrastructure', message: 'gone' } }),
  failed({ cause: { type: 'timed-out', afterMs: 9 } }),
  failed({ cause: { type: 'out-of-memory', limitBytes: 2 ** 29 } }),
);
/** What replicas, agents and people may ask in any order, late, twice and wrongly. */
const commands: fc.Arbitrary<RunCommand> = fc.oneof(
  { weight: 5, arbitrary: name.map((of): RunCommand => ({ type: 'ScheduleStage', stage: of, reason: 'test' })) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(name, attempt, fc.constantFrom('one', 'two'))
      .map(([of, n, asker]): RunCommand => ({ type: 'StartStage', stage: of, attempt: n, asker })),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(name, attempt, result)
      .map(([of, n, end]): RunCommand => ({ type: 'RecordResult', stage: of, attempt: n, result: end })),
  },
  { weight: 1, arbitrary: fc.constant<RunCommand>({ type: 'CancelRun', by: person, reason: 'enough' }) },
  {
    weight: 1,
    arbitrary: fc
      .option(name, { nil: undefined })
      .map((of): RunCommand => ({ type: 'RetryStages', by: person, stages: of === undefined ? 'failed' : [of] })),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 9 }).map((epoch): RunCommand => ({ type: 'ClaimRun', replica: 'two', epoch })),
  },
);

function eachRun(check: (given: GivenRun) => void): void {
  fc.assert(
    fc.property(plans, fc.array(commands, { maxLength: 80 }), (stages, asked) => {
      const given = new GivenRun(...stages);
      for (const command of asked) given.send(command);
      check(given);
    }),
    { numRuns: 300 },
  );
}

function eventsOf<T extends RunEvent['type']>(given: GivenRun, type: T): Extract<RunEvent, { type: T }>[] {
  return given.events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
}

it('no attempt starts twice, and none without a slot', () => {
  eachRun((given) => {
    const key = (event: { readonly stage: string; readonly attempt: number }) => `${event.stage}/${event.attempt}`;
    const started = eventsOf(given, 'StageStarted').map(key);
    const scheduled = eventsOf(given, 'StageScheduled').map(key);
    expect(new Set(started).size).toBe(started.length);
    expect(new Set(scheduled).size).toBe(scheduled.length);
    expect(started.filter((one) => !scheduled.includes(one))).toEqual([]);
  });
});

it('no stage gets a slot before all it needs has ended', () => {
  eachRun((given) => {
    let run: Run | undefined;
    for (const event of given.events) {
      if (event.type === 'StageScheduled') {
        const needs = run?.plan.stages.find((one) => one.name === event.stage)?.needs ?? [];
        const open = needs.filter((need) =>
          ['waiting', 'scheduled', 'running'].includes(run?.stages[need]?.status ?? ''),
        );
        expect(open).toEqual([]);
      }
      run = evolve(run, event);
    }
  });
});

it('a success stands until a person asks for that stage by name', () => {
  eachRun((given) => {
    const done = new Set<string>();
    for (const event of given.events) {
      if (event.type === 'StageSucceeded') done.add(event.stage);
      if (event.type === 'RunRetried') for (const one of event.stages) done.delete(one);
      if (event.type === 'StageScheduled') expect(done.has(event.stage)).toBe(false);
    }
  });
});

it('a run that has ended has nothing under way, and one with nothing left has ended', () => {
  eachRun(({ current }) => {
    const states = Object.values(current.stages);
    const isOver = states.every(({ status }) => ['succeeded', 'failed', 'skipped', 'cancelled'].includes(status));
    expect(current.outcome !== undefined).toBe(isOver);
    if (current.outcome !== undefined) expect(states.some(isActive)).toBe(false);
  });
});

it('its events alone give the same run', () => {
  eachRun(({ events, current }) => {
    expect(events.reduce<Run | undefined>(evolve, undefined)).toEqual(current);
  });
});

it('a replica whose epoch has passed can write nothing', () => {
  fc.assert(
    fc.property(plans, fc.array(commands, { maxLength: 30 }), commands, (stages, asked, late) => {
      const given = new GivenRun(...stages);
      for (const command of asked) given.send(command);
      given.send({ type: 'ClaimRun', replica: 'heir', epoch: given.current.epoch + 1 });
      const before = given.events.length;
      if (late.type === 'ClaimRun' || given.current.outcome !== undefined) return;
      expect(given.send(late, given.current.epoch - 1).ok).toBe(false);
      expect(given.events.length).toBe(before);
    }),
  );
});

it('every run ends when every slot is given and every attempt reports', () => {
  fc.assert(
    fc.property(plans, fc.infiniteStream(result), (stages, results) => {
      const given = new GivenRun(...stages);
      for (let round = 0; round < 200 && given.current.outcome === undefined; round += 1) {
        for (const of of names) {
          given.send({ type: 'ScheduleStage', stage: of, reason: 'test' });
          const state = given.state(of);
          if (state.status !== 'scheduled') continue;
          given.send({ type: 'StartStage', stage: of, attempt: state.attempt });
          const end = results.next().value ?? succeeded;
          given.send({ type: 'RecordResult', stage: of, attempt: state.attempt, result: end });
        }
      }
      expect(given.current.outcome).toBeDefined();
    }),
  );
});
