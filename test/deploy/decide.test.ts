import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decide, type RolloutFacts } from '../../deploy/decide.ts';
import { evolve, isOver, type Rollout } from '../../deploy/rollout.ts';
import { deployTarget } from '../engine/core/deploy-target.ts';

const target = deployTarget({
  replicas: 2,
  readyWithinMs: 120_000,
  smoke: { path: '/', expectStatus: 200, timeoutMs: 10_000 },
});
const previous = { revision: 4, digest: `sha256:${'b'.repeat(64)}` };

function started(facts: Partial<Rollout> = {}): Rollout {
  const { target: to = target, previous: from } = facts;
  return evolve(undefined, {
    type: 'RolloutStarted',
    at: new Date(0),
    rolloutId: 'r',
    revision: 5,
    digest: `sha256:${'c'.repeat(64)}`,
    target: to,
    ...(from === undefined ? {} : { previous: from }),
  });
}

type Observation = RolloutFacts['observation'];

function seen(facts: Partial<Observation>): Observation {
  return { isReady: false, message: '1 of 2 ready', ...facts };
}

function step(rollout: Rollout, seconds: number, facts: Omit<RolloutFacts, 'now'>): Rollout {
  const event = decide(rollout, { now: new Date(seconds * 1_000), ...facts });
  return event === undefined ? rollout : evolve(rollout, event);
}

it('goes on when the new revision is ready, and succeeds by its smoke request', () => {
  let rollout = step(started({ previous }), 5, { observation: seen({ isReady: true, revision: 5 }) });
  expect(rollout.state.status).toBe('smoking');
  rollout = step(rollout, 6, {
    observation: seen({ isReady: true, revision: 5, url: 'http://web' }),
    smoke: { passed: true, message: '200' },
  });
  expect(rollout.state).toEqual({ status: 'succeeded', url: 'http://web' });
});

it('does not take the old revision’s readiness for the new one’s', () => {
  expect(step(started({ previous }), 5, { observation: seen({ isReady: true, revision: 4 }) }).state.status).toBe(
    'progressing',
  );
});

it.each([
  ['rollback', 'rolling-back', 'rolled-back'],
  ['hold', 'rolling-back', 'held'],
] as const)('not ready in time: %s', (onNotReady, then, end) => {
  let rollout = started({ previous, target: { ...target, onNotReady } });
  rollout = step(rollout, 119, { observation: seen({ revision: 5 }) });
  expect(rollout.state.status).toBe('progressing');
  rollout = step(rollout, 120, { observation: seen({ revision: 5 }) });
  expect(rollout.state).toMatchObject({ status: then, reason: 'Not ready within 120 s: 1 of 2 ready' });
  rollout = step(rollout, 121, { observation: seen({ isReady: true, revision: 4 }) });
  expect(rollout.state.status).toBe(end);
});

it('goes back when the smoke request never passes', () => {
  let rollout = step(started({ previous }), 5, { observation: seen({ isReady: true, revision: 5 }) });
  rollout = step(rollout, 16, { observation: seen({ revision: 5 }), smoke: { passed: false, message: 'HTTP 500' } });
  expect(rollout.state).toMatchObject({ status: 'rolling-back', reason: 'The smoke request failed: HTTP 500' });
});

it('leaves the environment to a newer run at once', () => {
  const rollout = step(started({ previous }), 1, { observation: seen({}), supersededBy: 'newer' });
  expect(rollout.state).toEqual({ status: 'superseded', by: 'newer' });
});

const observations = fc.record(
  { isReady: fc.boolean(), message: fc.constant('so and so'), revision: fc.integer({ min: 3, max: 6 }) },
  { requiredKeys: ['isReady', 'message'] },
);
const smokes = fc.record({ passed: fc.boolean(), message: fc.string() });
const steps = fc.array(fc.record({ observation: observations, smoke: smokes }, { requiredKeys: ['observation'] }), {
  minLength: 1,
  maxLength: 40,
});

it('ends within bounded time whatever the cluster shows, and stays ended', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), fc.constantFrom('rollback', 'hold'), (facts, hasPrevious, onNotReady) => {
      let rollout = started({ ...(hasPrevious ? { previous } : {}), target: { ...target, onNotReady } });
      // Each look comes ten seconds after the one before: 400 s are more than all limits together.
      for (let look = 0; look < 40; look += 1) {
        const shown = facts[look % facts.length] ?? { observation: seen({}) };
        const before = rollout;
        rollout = step(rollout, look * 10, shown);
        if (isOver(before)) expect(rollout).toEqual(before);
      }
      expect(isOver(rollout)).toBe(true);
    }),
  );
});
