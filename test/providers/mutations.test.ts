import fc from 'fast-check';
import { expect, it } from 'vitest';
import { collectedDeliveries } from './deliveries.ts';
import { sources } from './hosts.ts';
import { faultOf, mutatedDeliveries } from './mutations.ts';

it.each(sources.filter(({ provider }) => collectedDeliveries(provider).length > 0))(
  'understands or ignores mutated deliveries of $provider (none without the collected deliveries)',
  (source) => {
    fc.assert(
      fc.property(mutatedDeliveries(collectedDeliveries(source.provider)), (mutated) => {
        expect(faultOf(source, mutated)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  },
);

it.each(sources)('takes no mutated signature for one of $provider', async (source) => {
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.string(), async (body, signature) => {
      expect(await source.isGenuine(body, () => signature)).toBe(false);
    }),
    { numRuns: 300 },
  );
});
