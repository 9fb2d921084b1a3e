const dayMs = 86_400_000;
const soonDays = 14;
const urgentDays = 3;

/** Days until then, begun ones not counted. */
export function daysLeft(expiresAt: Date, now: Date): number {
  return Math.max(0, Math.floor((expiresAt.getTime() - now.getTime()) / dayMs));
}

/** People are told. */
export function isExpiringSoon(expiresAt: Date, now: Date): boolean {
  return daysLeft(expiresAt, now) <= soonDays;
}

/** They are told again, with more weight. */
export function isExpiringNow(expiresAt: Date, now: Date): boolean {
  return daysLeft(expiresAt, now) <= urgentDays;
}
