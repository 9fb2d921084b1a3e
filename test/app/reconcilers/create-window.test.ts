import { describe, expect, it } from 'vitest';
import { CreateWindow } from '../../../app/reconcilers/create-window.ts';

const overload = new Error('429');
const isOverload = (error: unknown) => error === overload;

/** Creates that end when the test says so. */
function heldCreates(window: CreateWindow, count: number) {
  const ends: PromiseWithResolvers<void>[] = [];
  const all = Array.from({ length: count }, () =>
    window
      .through(() => {
        const end = Promise.withResolvers<void>();
        ends.push(end);
        return end.promise;
      }, isOverload)
      .catch(() => undefined),
  );
  return { ends, all };
}

describe('creates under way', () => {
  it('are bounded: the rest takes turns', async () => {
    const window = new CreateWindow(() => undefined);
    const { ends, all } = heldCreates(window, 100);
    const atOnce = ends.length;
    expect(atOnce).toBeLessThan(100);
    expect(window.room).toBe(0);
    for (let index = 0; index < 100; index += 1) {
      ends[index]?.resolve();
      await new Promise(setImmediate);
    }
    await Promise.all(all);
    expect(window.room).toBe(atOnce);
  });

  it('get fewer when the cluster refuses for load, and more again as it accepts', async () => {
    let told = 0;
    const window = new CreateWindow(() => {
      told += 1;
    });
    const before = window.room;
    await expect(window.through(() => Promise.reject(overload), isOverload)).rejects.toBe(overload);
    expect(window.room).toBe(before / 2);
    await expect(window.through(() => Promise.reject(new Error('no right')), isOverload)).rejects.toThrow('no right');
    expect(window.room).toBe(before / 2);
    for (let index = 0; index < 2_000; index += 1) await window.through(async () => undefined, isOverload);
    expect(window.room).toBe(before);
    expect(told).toBeGreaterThan(0);
  });
});
