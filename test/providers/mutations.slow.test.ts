import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isPlainJson } from '../../app/webhooks.ts';
import { collectedDeliveries } from './deliveries.ts';
import { sources } from './hosts.ts';
import { faultOf, mutatedDeliveries } from './mutations.ts';

const count = 100_000;

/** Flips or cuts bytes of a text. */
function damaged(text: string, at: number, to: string): string {
  const place = at % Math.max(1, text.length);
  return at % 3 === 0 ? text.slice(0, place) : text.slice(0, place) + to + text.slice(place + 1);
}

it.each(sources.filter(({ provider }) => collectedDeliveries(provider).length > 0))(
  `meets ${count} mutated deliveries of $provider with no crash and no unsigned one accepted`,
  async (source) => {
    let crashes = 0;
    let faults = 0;
    let acceptedUnsigned = 0;
    const before = process.memoryUsage().heapUsed;
    const all = fc.sample(
      fc.tuple(mutatedDeliveries(collectedDeliveries(source.provider)), fc.nat(), fc.string({ maxLength: 3 })),
      { numRuns: 2_000, seed: 1 },
    );
    for (let index = 0; index < count; index += 1) {
      const [mutated, at, to] = all[index % all.length] ?? [];
      if (mutated === undefined || at === undefined || to === undefined) continue;
      try {
        const text = damaged(JSON.stringify(mutated.body) ?? '', at + index, to);
        if (await source.isGenuine(text, (name) => mutated.headers[name])) acceptedUnsigned += 1;
        const body: unknown = isPlainJson(text) ? JSON.parse(text) : mutated.body;
        if (faultOf(source, { ...mutated, body }) !== undefined) faults += 1;
      } catch {
        crashes += 1;
      }
    }
    const grownMb = Math.round((process.memoryUsage().heapUsed - before) / 2 ** 20);
    console.log(JSON.stringify({ provider: source.provider, count, crashes, faults, acceptedUnsigned, grownMb }));
    expect({ crashes, faults, acceptedUnsigned }).toEqual({ crashes: 0, faults: 0, acceptedUnsigned: 0 });
  },
);
