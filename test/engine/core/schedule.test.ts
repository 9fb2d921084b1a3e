import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lane } from '../../../engine/core/run-events.ts';
import { type Candidate, grantSlots, poolKey, type SlotRules } from '../../../engine/core/schedule.ts';

const rules: SlotRules = { teamSlots: 4, poolSlots: 40, ageAfterMs: 600_000 };
const now = new Date(10_000_000);

function candidate(runId: string, facts: Partial<Candidate> & { waitedMs?: number } = {}): Candidate {
  const { waitedMs = 0, ...rest } = facts;
  return {
    runId,
    stage: 'test',
    lane: 'feature',
    team: 'web',
    readySince: new Date(now.getTime() - waitedMs),
    ...rest,
  };
}

function granted(candidates: readonly Candidate[], active: [string, number][] = [], some: Partial<SlotRules> = {}) {
  return grantSlots(candidates, { teams: new Map(active), pools: new Map() }, { ...rules, ...some }, now).grants.map(
    ({ runId }) => runId,
  );
}

describe('slots', () => {
  it('go to hotfixes first, then main, then features', () => {
    const order = granted(
      [
        candidate('feature', { waitedMs: 9_000 }),
        candidate('main', { lane: 'main' }),
        candidate('hotfix', { lane: 'hotfix' }),
      ],
      [],
      { poolSlots: 2 },
    );
    expect(order).toEqual(['hotfix', 'main']);
  });

  it('go to the team that uses the fewest', () => {
    expect(
      granted(
        [candidate('busy', { team: 'busy', waitedMs: 9_000 }), candidate('idle', { team: 'idle' })],
        [['busy', 3]],
        { poolSlots: 4 },
      ),
    ).toEqual(['idle']);
  });

  it('go to who waited longest inside a team', () => {
    expect(
      granted([candidate('young', { waitedMs: 1 }), candidate('old', { waitedMs: 5 })], [], { teamSlots: 1 }),
    ).toEqual(['old']);
  });

  it('let a feature that waited long rank with main, so that it does not starve', () => {
    const main = candidate('main', { lane: 'main', waitedMs: 10 });
    expect(granted([main, candidate('aged', { waitedMs: 600_000 })], [], { poolSlots: 1 })).toEqual(['aged']);
  });

  it('say why a stage waits', () => {
    const { waits } = grantSlots(
      [candidate('a'), candidate('b')],
      { teams: new Map([['web', 4]]), pools: new Map() },
      rules,
      now,
    );
    expect(waits.map(({ reason }) => reason)).toEqual([
      'all 4 slots of team web are in use (next in line)',
      'all 4 slots of team web are in use (1 ahead)',
    ]);
  });

  it('of a pool that is full hold up its own stages alone, even inside a team', () => {
    const inPool = (runId: string, name: string, waitedMs: number, tenant = 'github:1') =>
      candidate(runId, { pool: { tenant, name }, waitedMs });
    const { grants, waits } = grantSlots(
      [
        inPool('heavy-1', 'heavy', 9),
        inPool('heavy-2', 'heavy', 8),
        inPool('light', 'default', 1),
        inPool('other', 'heavy', 0, 'github:2'),
        candidate('deploy'),
      ],
      { teams: new Map(), pools: new Map([[poolKey({ tenant: 'github:1', name: 'heavy' }), 1]]) },
      { ...rules, slotsOf: ({ name }) => (name === 'heavy' ? 2 : Number.POSITIVE_INFINITY) },
      now,
    );
    expect(grants.map(({ runId }) => runId).toSorted()).toEqual(['deploy', 'heavy-1', 'light', 'other']);
    expect(waits).toMatchObject([
      { runId: 'heavy-2', reason: 'all 2 slots of the pool "heavy" are in use (next in line)' },
    ]);
  });

  it('never go beyond a team or the pool, and never lie idle while someone may have them', () => {
    const some = fc.record({
      runId: fc.uuid(),
      lane: fc.constantFrom<Lane>('hotfix', 'main', 'feature'),
      team: fc.constantFrom('a', 'b', 'c'),
      waitedMs: fc.integer({ min: 0, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(some, { selector: ({ runId }) => runId }),
        fc.record({ teamSlots: fc.integer({ min: 0, max: 5 }), poolSlots: fc.integer({ min: 0, max: 12 }) }),
        fc.record({ a: fc.integer({ min: 0, max: 5 }), b: fc.integer({ min: 0, max: 5 }) }),
        (list, limits, active) => {
          const candidates = list.map(({ runId, ...facts }) => candidate(runId, facts));
          const { grants, waits } = grantSlots(
            candidates,
            { teams: new Map(Object.entries(active)), pools: new Map() },
            { ...rules, ...limits },
            now,
          );
          expect(grants.length + waits.length).toBe(candidates.length);
          const teamOf = new Map(candidates.map(({ runId, team }) => [runId, team]));
          const used = new Map<string, number>(Object.entries(active));
          for (const { runId } of grants) {
            const team = teamOf.get(runId) ?? '';
            used.set(team, (used.get(team) ?? 0) + 1);
            expect(used.get(team)).toBeLessThanOrEqual(limits.teamSlots);
          }
          const total = [...used.values()].reduce((sum, count) => sum + count, 0);
          if (grants.length > 0) expect(total).toBeLessThanOrEqual(limits.poolSlots);
          for (const { runId } of waits) {
            const team = teamOf.get(runId) ?? '';
            expect(total >= limits.poolSlots || (used.get(team) ?? 0) >= limits.teamSlots).toBe(true);
          }
        },
      ),
    );
  });
});
