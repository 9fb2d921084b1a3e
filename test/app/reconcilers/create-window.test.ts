import { describe, expect, it } from 'vitest';
import { CreateWindow } from '../../../app/reconcilers/create-window.ts';

const overload = new Error('429');
const overloadOf = (retryAfterMs: number) => (error: unknown) => (error === overload ? { retryAfterMs } : undefined);

/** A window over a clock that the test moves. */
function windowAt(onRoom: () => void = () => undefined) {
  const clock = { nowMs: 0 };
  return { clock, window: new CreateWindow({ nowMs: () => clock.nowMs, onRoom }) };
}

/** Creates that end when the test says so. */
function heldCreates(window: CreateWindow, count: number) {
  const ends: PromiseWithResolvers<void>[] = [];
  const all = Array.from({ length: count }, () =>
    window
      .through(() => {
        const end = Promise.withResolvers<void>();
        ends.push(end);
        return end.promise;
      }, overloadOf(0))
      .catch(() => undefined),
  );
  return { ends, all };
}

/** As many creates as there is room for, all of which take that long. */
async function round({ clock, window }: ReturnType<typeof windowAt>, tookMs: number): Promise<void> {
  const { ends, all } = heldCreates(window, window.room);
  await new Promise(setImmediate);
  clock.nowMs += tookMs;
  for (const end of ends) end.resolve();
  await Promise.all(all);
}

describe('creates under way', () => {
  it('are bounded: the rest takes turns', async () => {
    const { window } = windowAt();
    const { ends, all } = heldCreates(window, 3_000);
    await new Promise(setImmediate);
    const atOnce = ends.length;
    expect(atOnce).toBeLessThan(100);
    expect(window.room).toBe(0);
    let most = 0;
    for (let index = 0; index < 3_000; index += 1) {
      ends[index]?.resolve();
      await new Promise(setImmediate);
      most = Math.max(most, ends.length - index);
    }
    await Promise.all(all);
    expect(most).toBeLessThan(1_100);
  });

  it('get more while the cluster answers as fast as ever, and fewer once they wait for each other', async () => {
    const bed = windowAt();
    const first = bed.window.room;
    for (let index = 0; index < 3; index += 1) await round(bed, 20);
    const wide = bed.window.room;
    expect(wide).toBeGreaterThan(4 * first);
    for (let index = 0; index < 3; index += 1) await round(bed, 2_000);
    expect(bed.window.room).toBeLessThan(wide / 4);
    for (let index = 0; index < 5; index += 1) await round(bed, 20);
    expect(bed.window.room).toBeGreaterThan(wide / 2);
  });

  it('stay as many as they are while fewer are wanted', async () => {
    const { window } = windowAt();
    const before = window.room;
    for (let index = 0; index < 1_000; index += 1) await window.through(async () => undefined, overloadOf(0));
    expect(window.room).toBe(before);
  });

  it('may be as many on a cluster that is far away: what counts is what they wait for each other', async () => {
    const bed = windowAt();
    const before = bed.window.room;
    await round(bed, 400);
    expect(bed.window.room).toBeGreaterThan(before);
  });

  it('get half as many when the cluster refuses for load, once for all that were under way', async () => {
    const { window } = windowAt();
    const before = window.room;
    const { ends, all } = heldCreates(window, before);
    await new Promise(setImmediate);
    for (const end of ends) end.reject(overload);
    await Promise.all(all);
    expect(window.room).toBe(before / 2);
    await expect(window.through(() => Promise.reject(new Error('no right')), overloadOf(0))).rejects.toThrow();
    expect(window.room).toBe(before / 2);
  });

  it('wait for as long as the cluster asks', async () => {
    let told = 0;
    const { window } = windowAt(() => {
      told += 1;
    });
    await expect(window.through(() => Promise.reject(overload), overloadOf(50))).rejects.toBe(overload);
    expect(window.room).toBe(0);
    expect(told).toBe(0);
    let isMade = false;
    const made = window.through(async () => {
      isMade = true;
    }, overloadOf(0));
    await new Promise(setImmediate);
    expect(isMade).toBe(false);
    await made;
    expect(window.room).toBeGreaterThan(0);
    expect(told).toBeGreaterThan(0);
  });
});
