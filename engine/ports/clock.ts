/** Time as the engine's edge sees it; the core gets it as an argument. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };
