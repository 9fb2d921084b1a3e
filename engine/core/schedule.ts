import type { Lane } from './run-events.ts';

/** A stage that could start now. */
export interface Candidate {
  readonly runId: string;
  readonly stage: string;
  readonly lane: Lane;
  readonly team: string;
  /** Absent for a stage without a pod. */
  readonly pool?: PoolOf;
  readonly readySince: Date;
}

/** A tenant's pool: those of two tenants are never the same. */
export interface PoolOf {
  readonly tenant: string;
  readonly name: string;
}

/** What is in use now: stages that have a slot, by team and by pool. */
export interface InUse {
  readonly teams: ReadonlyMap<string, number>;
  /** By `poolKey`. */
  readonly pools: ReadonlyMap<string, number>;
}

/** Tells a tenant's pool from all others; the separator stands in neither name. */
export function poolKey({ tenant, name }: PoolOf): string {
  return `${tenant}\0${name}`;
}

/** How many stages may have a slot at once. */
export interface SlotRules {
  /** Stages of one team at once. */
  readonly teamSlots: number;
  /** Stages of all teams at once. */
  readonly poolSlots: number;
  /** A feature stage that waited this long ranks with main. */
  readonly ageAfterMs: number;
  /** Stages of a tenant's pool at once; absent: no bound of its own. */
  readonly slotsOf?: (pool: PoolOf) => number;
}

/** A slot for a stage that was ready, and why it was this one. */
export interface Grant {
  readonly runId: string;
  readonly stage: string;
  readonly reason: string;
}

/** Why a stage got no slot; answers "why is this waiting?". */
export interface Wait extends Grant {
  readonly ahead: number;
}

const laneRank: Readonly<Record<Lane, number>> = { hotfix: 0, main: 1, feature: 2 };

/**
 * Who gets a slot: hotfixes first, then main, then features (which rank with main once they waited long enough, so none
 * starves); inside a rank the team that uses the least of its slots; inside a team who waited longest.
 * A full pool holds up its own stages alone.
 * @param limit at most so many grants: the rest waits until the cluster has taken these
 * @returns `waits` is worked out when it is read: there may be thousands, and seldom does anybody ask
 */
export function grantSlots(
  candidates: readonly Candidate[],
  inUseNow: InUse,
  rules: SlotRules,
  now: Date,
  limit = Number.POSITIVE_INFINITY,
): { readonly grants: readonly Grant[]; readonly waits: readonly Wait[] } {
  const used = new Map(inUseNow.teams);
  const usedPools = new Map(inUseNow.pools);
  const isFull = ({ pool }: Candidate) =>
    pool !== undefined && rules.slotsOf !== undefined && (usedPools.get(poolKey(pool)) ?? 0) >= rules.slotsOf(pool);
  let inUse = [...used.values()].reduce((sum, count) => sum + count, 0);
  const queues = new Map<number, Map<string, Candidate[]>>();
  for (const candidate of [...candidates].sort(byAge)) {
    const rank = rankOf(candidate, rules, now);
    const teams = queues.get(rank) ?? new Map<string, Candidate[]>();
    queues.set(rank, teams);
    const queue = teams.get(candidate.team);
    if (queue === undefined) teams.set(candidate.team, [candidate]);
    else queue.push(candidate);
  }

  const grants: Grant[] = [];
  const left: { readonly candidate: Candidate; readonly used: number }[] = [];
  for (const rank of [...queues.keys()].sort((a, b) => a - b)) {
    const teams = [...(queues.get(rank) ?? new Map<string, Candidate[]>())].map(([team, queue]) => ({
      team,
      queue,
      next: 0,
      held: [] as Candidate[],
    }));
    for (;;) {
      // Slots only get fewer in here, so what a full pool holds up is looked at once.
      for (const team of teams) {
        for (let head = team.queue[team.next]; head !== undefined && isFull(head); head = team.queue[team.next]) {
          team.held.push(head);
          team.next += 1;
        }
      }
      const open =
        inUse < rules.poolSlots && grants.length < limit
          ? teams.filter(({ team, queue, next }) => next < queue.length && usedBy(used, team) < rules.teamSlots)
          : [];
      const first = open.reduce<(typeof open)[number] | undefined>(
        (best, team) => (best === undefined || usedBy(used, team.team) < usedBy(used, best.team) ? team : best),
        undefined,
      );
      const candidate = first?.queue[first.next];
      if (first === undefined || candidate === undefined) break;
      first.next += 1;
      const before = usedBy(used, first.team);
      used.set(first.team, before + 1);
      if (candidate.pool !== undefined) countUp(usedPools, poolKey(candidate.pool));
      inUse += 1;
      grants.push({
        runId: candidate.runId,
        stage: candidate.stage,
        reason: grantReason(candidate, before, rules, now),
      });
    }
    for (const { team, queue, next, held } of teams) {
      for (const candidate of [...held, ...queue.slice(next)]) left.push({ candidate, used: usedBy(used, team) });
    }
  }
  return {
    grants,
    get waits() {
      return left.map(({ candidate, used: usedByTeam }, ahead): Wait => {
        const full = { ahead, isPoolFull: isFull(candidate), isAllFull: inUse >= rules.poolSlots };
        const { runId, stage } = candidate;
        return { runId, stage, ahead, reason: waitReason(candidate, usedByTeam, rules, full) };
      });
    },
  };
}

function rankOf(candidate: Candidate, rules: SlotRules, now: Date): number {
  const isOld = now.getTime() - candidate.readySince.getTime() >= rules.ageAfterMs;
  return candidate.lane === 'feature' && isOld ? laneRank.main : laneRank[candidate.lane];
}

export function countUp(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function usedBy(used: ReadonlyMap<string, number>, team: string): number {
  return used.get(team) ?? 0;
}

function byAge(a: Candidate, b: Candidate): number {
  return a.readySince.getTime() - b.readySince.getTime();
}

function grantReason(candidate: Candidate, used: number, rules: SlotRules, now: Date): string {
  const waitedMs = now.getTime() - candidate.readySince.getTime();
  const slots = Number.isFinite(rules.teamSlots) ? `slot ${used + 1} of ${rules.teamSlots}` : 'slots unlimited';
  return `lane ${candidate.lane}, ${slots} of team ${candidate.team}, waited ${waitedMs} ms`;
}

function waitReason(
  { team, pool }: Candidate,
  used: number,
  rules: SlotRules,
  full: { readonly ahead: number; readonly isPoolFull: boolean; readonly isAllFull: boolean },
): string {
  const queue = full.ahead === 0 ? 'next in line' : `${full.ahead} ahead`;
  if (full.isPoolFull && pool !== undefined)
    return `all ${rules.slotsOf?.(pool)} slots of the pool "${pool.name}" are in use (${queue})`;
  if (used >= rules.teamSlots) return `all ${rules.teamSlots} slots of team ${team} are in use (${queue})`;
  return full.isAllFull
    ? `all ${rules.poolSlots} slots of the pool are in use (${queue})`
    : `the cluster is taking in others as fast as it can (${queue})`;
}
