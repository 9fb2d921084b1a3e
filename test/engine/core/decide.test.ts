import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, readyStages } from '../../../engine/core/decide.ts';
import { evolve, isActive, type Run, runStatus } from '../../../engine/core/run.ts';
import type { RunCommand } from '../../../engine/core/run-commands.ts';
import { failed, GivenRun, stage, succeeded } from './given-run.ts';

const person = { login: 'dev', id: '3' };

describe('a run', () => {
  it('makes stages ready when all their needs succeeded', () => {
    const given = new GivenRun(stage('a'), stage('b', { needs: ['a'] }), stage('c', { needs: ['a'] }));
    expect(readyStages(given.current, given.now()).map(({ name }) => name)).toEqual(['a']);
    given.finish('a', succeeded);
    expect(readyStages(given.current, given.now()).map(({ name }) => name)).toEqual(['b', 'c']);
  });

  it('skips what hangs on a failure, names the culprit, and ends as FAILED', () => {
    const given = new GivenRun(stage('a'), stage('b', { needs: ['a'] }), stage('c', { needs: ['b'] }));
    given.finish('a', failed());
    expect(given.state('b')).toEqual({ status: 'skipped', reason: '"a" failed' });
    expect(given.state('c')).toEqual({ status: 'skipped', reason: '"a" failed' });
    expect(runStatus(given.current)).toBe('FAILED');
  });

  it('runs "after: always" and "after: failure" stages once their needs ended', () => {
    const given = new GivenRun(
      stage('a'),
      stage('clean', { needs: ['a'], when: { after: 'always' } }),
      stage('alarm', { needs: ['a'], when: { after: 'failure' } }),
      stage('praise', { needs: ['a'] }),
    );
    given.finish('a', failed());
    expect(readyStages(given.current, given.now()).map(({ name }) => name)).toEqual(['clean', 'alarm']);
    expect(given.state('praise').status).toBe('skipped');
  });

  it('takes a stage that the plan left out as met', () => {
    const given = new GivenRun(stage('docs', { skipReason: 'no path matches' }), stage('b', { needs: ['docs'] }));
    expect(given.state('docs')).toEqual({ status: 'skipped', reason: 'no path matches' });
    expect(readyStages(given.current, given.now()).map(({ name }) => name)).toEqual(['b']);
  });

  it('schedules all stages that got a slot at once in one commit, and passes over those that no longer wait', () => {
    const given = new GivenRun(stage('a'), stage('b'), stage('c', { needs: ['a'] }));
    const before = given.events.length;
    const together = ['b', 'c', 'a'].map((name) => ({ stage: name, reason: '' }));
    given.send({ type: 'ScheduleStage', stage: 'a', reason: '', together });
    expect(given.events.slice(before)).toMatchObject([
      { type: 'StageScheduled', stage: 'a' },
      { type: 'StageScheduled', stage: 'b' },
    ]);
  });

  it('lets an attempt start once only', () => {
    const given = new GivenRun(stage('a'));
    given.send({ type: 'ScheduleStage', stage: 'a', reason: '' });
    expect(given.send({ type: 'StartStage', stage: 'a', attempt: 1 }).ok).toBe(true);
    expect(given.send({ type: 'StartStage', stage: 'a', attempt: 1 })).toMatchObject({ ok: false, code: 'not-wanted' });
  });

  it('answers the agent again that was let start, and no other', () => {
    const given = new GivenRun(stage('a'));
    given.send({ type: 'ScheduleStage', stage: 'a', reason: '' });
    const start = (asker: string) => given.send({ type: 'StartStage', stage: 'a', attempt: 1, asker });
    expect(start('one')).toMatchObject({ ok: true, events: [{ type: 'StageStarted', asker: 'one' }] });
    expect(start('one')).toMatchObject({ ok: true, events: [] });
    expect(start('two')).toMatchObject({ ok: false, code: 'not-wanted' });
  });

  it('takes a result told twice once, and none for an attempt that is over', () => {
    const given = new GivenRun(stage('a', { retries: 1 }), stage('b'));
    given.finish('a', failed());
    expect(given.send({ type: 'RecordResult', stage: 'a', attempt: 1, result: succeeded })).toMatchObject({
      ok: false,
    });
    given.finish('a', succeeded);
    expect(given.send({ type: 'RecordResult', stage: 'a', attempt: 2, result: failed() })).toEqual({
      ok: true,
      events: [],
    });
    expect(given.state('a').status).toBe('succeeded');
  });

  it('retries a failed command as often as the stage allows', () => {
    const given = new GivenRun(stage('a', { retries: 1 }));
    given.finish('a', failed());
    expect(given.state('a')).toMatchObject({ status: 'waiting', attempt: 2, retryReason: 'exit code 1; retry 1 of 1' });
    given.finish('a', failed());
    expect(given.state('a')).toMatchObject({ status: 'failed', attempt: 2 });
  });

  it('retries infrastructure faults with backoff, not at the cost of the change', () => {
    const given = new GivenRun(stage('a'));
    given.finish('a', failed({ cause: { type: 'infrastructure', message: 'node lost' } }));
    const state = given.state('a');
    expect(state).toMatchObject({ status: 'waiting', attempt: 2 });
    expect(state.status === 'waiting' && state.notBefore?.getTime()).toBe(given.now().getTime() + 1_000);
    expect(readyStages(given.current, given.now())).toEqual([]);
    expect(readyStages(given.current, new Date(given.now().getTime() + 1_000))).toHaveLength(1);
  });

  it('cancels everything open and refuses to cancel twice', () => {
    const given = new GivenRun(stage('a'), stage('b', { needs: ['a'] }));
    given.send({ type: 'ScheduleStage', stage: 'a', reason: '' });
    given.send({ type: 'CancelRun', by: person, reason: 'superseded' });
    expect(given.state('a')).toMatchObject({ status: 'cancelled', reason: 'superseded' });
    expect(runStatus(given.current)).toBe('CANCELLED');
    expect(given.send({ type: 'CancelRun', by: person, reason: 'again' })).toMatchObject({ ok: false, code: 'ended' });
  });

  it('reopens failed stages and what hangs on them, and leaves successes alone', () => {
    const given = new GivenRun(stage('a'), stage('b', { needs: ['a'] }), stage('c', { needs: ['b'] }));
    given.finish('a', succeeded);
    given.finish('b', failed());
    expect(given.send({ type: 'RetryStages', by: person, stages: 'failed' }).ok).toBe(true);
    expect(given.current.outcome).toBeUndefined();
    given.finish('b', succeeded);
    given.finish('c', succeeded);
    expect(given.state('a')).toMatchObject({ attempt: 1 });
    expect(given.state('b')).toMatchObject({ attempt: 2 });
    expect(runStatus(given.current)).toBe('SUCCEEDED');
  });

  it('ends as ROLLED_BACK when a deploy went back', () => {
    const given = new GivenRun(stage('deploy', { kind: 'deploy' }));
    given.finish(
      'deploy',
      failed({
        cause: { type: 'not-ready', message: 'not ready within 120 s' },
        rolledBackTo: { environment: 'production', revision: 6, digest: 'sha256:1' },
      }),
    );
    expect(runStatus(given.current)).toBe('ROLLED_BACK');
  });

  it('refuses every command of an older epoch', () => {
    const given = new GivenRun(stage('a'));
    given.send({ type: 'ClaimRun', replica: 'two', epoch: 2 });
    expect(given.send({ type: 'ScheduleStage', stage: 'a', reason: '' }, 1)).toMatchObject({
      ok: false,
      code: 'fenced',
    });
    expect(given.send({ type: 'ClaimRun', replica: 'one', epoch: 2 })).toMatchObject({ ok: false, code: 'fenced' });
  });

  it('tells the furthest kind of stage under way as its state', () => {
    const given = new GivenRun(
      stage('build', { kind: 'build' }),
      stage('test'),
      stage('ship', { kind: 'deploy', needs: ['test'] }),
    );
    expect(runStatus(given.current)).toBe('PENDING');
    given.send({ type: 'ScheduleStage', stage: 'build', reason: '' });
    expect(runStatus(given.current)).toBe('BUILDING');
    given.finish('test', succeeded);
    given.send({ type: 'ScheduleStage', stage: 'ship', reason: '' });
    expect(runStatus(given.current)).toBe('DEPLOYING');
  });
});

describe('for any order of commands', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const plans = fc
    .tuple(...names.map((_, index) => fc.subarray(names.slice(0, index))))
    .map((needs) => names.map((name, index) => stage(name, { needs: needs[index] ?? [], retries: index % 2 })));
  const name = fc.constantFrom(...names);
  const attempt = fc.integer({ min: 1, max: 3 });
  const asker = fc.constantFrom('one', 'two');
  const commands: fc.Arbitrary<RunCommand> = fc.oneof(
    { weight: 5, arbitrary: name.map((it): RunCommand => ({ type: 'ScheduleStage', stage: it, reason: '' })) },
    { weight: 5, arbitrary: fc.record({ type: fc.constant('StartStage' as const), stage: name, attempt, asker }) },
    {
      weight: 5,
      arbitrary: fc.record({
        type: fc.constant('RecordResult' as const),
        stage: name,
        attempt,
        result: fc.constantFrom(succeeded, failed(), failed({ cause: { type: 'infrastructure', message: 'x' } })),
      }),
    },
    { weight: 1, arbitrary: fc.constant<RunCommand>({ type: 'CancelRun', by: person, reason: 'x' }) },
    { weight: 1, arbitrary: fc.constant<RunCommand>({ type: 'RetryStages', by: person, stages: 'failed' }) },
  );

  it('an attempt starts at most once, after its needs succeeded, and a success is never run again', () => {
    fc.assert(
      fc.property(plans, fc.array(commands, { maxLength: 120 }), (stages, sequence) => {
        const given = new GivenRun(...stages);
        const started = new Set<string>();
        for (const command of sequence) {
          const before = given.current;
          const decision = given.send(command);
          if (!decision.ok) continue;
          for (const event of decision.events) {
            if (event.type === 'StageStarted') {
              expect(started).not.toContain(`${event.stage}/${event.attempt}`);
              started.add(`${event.stage}/${event.attempt}`);
            }
            if (event.type === 'StageScheduled') {
              const needs = stages.find((it) => it.name === event.stage)?.needs ?? [];
              for (const need of needs) expect(before.stages[need]?.status).toBe('succeeded');
              expect(before.stages[event.stage]?.status).toBe('waiting');
            }
          }
        }
      }),
    );
  });

  it('a run whose attempts all end comes to an end itself', () => {
    fc.assert(
      fc.property(plans, fc.infiniteStream(fc.boolean()), (stages, results) => {
        const given = new GivenRun(...stages);
        for (let steps = 0; given.current.outcome === undefined; steps += 1) {
          expect(steps).toBeLessThan(100);
          const ready = readyStages(given.current, given.now())[0];
          expect(ready).toBeDefined();
          given.finish(ready?.name ?? '', results.next().value === true ? succeeded : failed());
        }
        expect(Object.values(given.current.stages).some(isActive)).toBe(false);
      }),
    );
  });

  it('folding the events again gives the same run', () => {
    fc.assert(
      fc.property(plans, fc.array(commands, { maxLength: 60 }), (stages, sequence) => {
        const given = new GivenRun(...stages);
        for (const command of sequence) given.send(command);
        const folded = given.events.reduce<Run | undefined>(evolve, undefined);
        expect(folded).toEqual(given.run);
      }),
    );
  });

  it('never throws, whatever the command', () => {
    fc.assert(
      fc.property(plans, fc.array(commands), (stages, sequence) => {
        for (const command of sequence) decide(command, undefined, { at: new Date(0), epoch: 1 });
        const given = new GivenRun(...stages);
        for (const command of sequence) given.send(command, 7);
      }),
    );
  });
});
