import { afterEach, expect, it, vi } from 'vitest';
import { steadyClock } from '../../../engine/ports/clock.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('a steady clock goes on evenly when somebody sets the system clock ahead or back', () => {
  vi.useFakeTimers({ now: new Date('2026-03-01T09:00:00Z') });
  const clock = steadyClock();
  for (const set of ['2026-03-01T10:00:00Z', '2026-03-01T08:00:00Z']) vi.setSystemTime(new Date(set));
  vi.advanceTimersByTime(90_000);
  expect(clock.now()).toEqual(new Date('2026-03-01T09:01:30Z'));
});
