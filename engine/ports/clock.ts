/** Time as the engine's edge sees it; the core gets it as an argument. */
export interface Clock {
  now(): Date;
}

/**
 * Goes on evenly from the time it is made at, whatever the system's clock is set to: for what is due in a while, and
 * would else be due an hour too late, or all at once, after somebody set the clock.
 */
export function steadyClock(begin = new Date()): Clock {
  const madeAt = performance.now();
  return { now: () => new Date(begin.getTime() + performance.now() - madeAt) };
}

export const systemClock: Clock = { now: () => new Date() };
