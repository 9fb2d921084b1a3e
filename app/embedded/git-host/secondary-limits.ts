import type { Principal } from './access/principal.ts';
import type { FaceName } from './face.ts';

interface Limit {
  readonly amount: number;
  readonly perMs: number;
}

const minute = 60_000;
const hour = 60 * minute;

/** What each host lets one client ask for, beside its hourly count: as the hosts document it. */
const rules: Readonly<
  Record<
    FaceName,
    { readonly points: Limit; readonly read: number; readonly write: number; readonly content: readonly Limit[] }
  >
> = {
  github: {
    points: { amount: 900, perMs: minute },
    read: 1,
    write: 5,
    content: [
      { amount: 80, perMs: minute },
      { amount: 500, perMs: hour },
    ],
  },
  gitlab: { points: { amount: 2_000, perMs: minute }, read: 1, write: 1, content: [{ amount: 60, perMs: minute }] },
  bitbucket: { points: { amount: 1_000, perMs: hour }, read: 1, write: 1, content: [] },
};
const maxAtOnce = 100;

/** Refuses clients that ask for too much in a short time, in a window that slides: the strictest reading of the hosts' words. */
export class SecondaryLimits {
  readonly #face: FaceName;
  readonly #now: () => Date;
  readonly #asked = new Map<string, { readonly at: number; readonly points: number; readonly isContent: boolean }[]>();
  readonly #underWay = new Map<string, number>();
  /** How often somebody was refused. */
  refused = 0;

  constructor(face: FaceName, now: () => Date) {
    this.#face = face;
    this.#now = now;
  }

  /** @returns in how many seconds to ask again, where it is refused */
  begin(principal: Principal, method: string, path: string): number | undefined {
    const key = keyOf(principal);
    if (key === undefined) return undefined;
    const { points, read, write, content } = rules[this.#face];
    const now = this.#now().getTime();
    const cost = method === 'GET' || method === 'HEAD' ? read : write;
    const isContent = cost === write && method !== 'DELETE' && /\/(comments|notes)(\/[^/]+)?$/.test(path);
    const kept = (this.#asked.get(key) ?? []).filter(({ at }) => at > now - hour);
    const spent = (perMs: number, of: 'points' | 'content') =>
      kept
        .filter((each) => each.at > now - perMs && (of === 'points' || each.isContent))
        .reduce((sum, each) => sum + (of === 'points' ? each.points : 1), 0);
    const isOver =
      spent(points.perMs, 'points') + cost > points.amount ||
      (isContent && content.some(({ amount, perMs }) => spent(perMs, 'content') >= amount)) ||
      (this.#underWay.get(key) ?? 0) >= maxAtOnce;
    if (isOver) {
      this.refused += 1;
      return 60;
    }
    kept.push({ at: now, points: cost, isContent });
    this.#asked.set(key, kept);
    this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1);
    return undefined;
  }

  end(principal: Principal): void {
    const key = keyOf(principal);
    if (key !== undefined) this.#underWay.set(key, (this.#underWay.get(key) ?? 1) - 1);
  }
}

/** Apps and bots: people here are few, and have better things to do than to wait. */
function keyOf(principal: Principal): string | undefined {
  if (principal.type === 'installation') return `installation:${principal.installation.id}`;
  return principal.type === 'user' && /slipway/i.test(principal.account.login)
    ? `user:${principal.account.id}`
    : undefined;
}
