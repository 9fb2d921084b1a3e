import { expect, it } from 'vitest';
import { collectedDeliveries } from '../providers/deliveries.ts';
import { meet, mutatedHosts } from './meet.ts';

/** `npm run mutate` meets 100,000 of each host. */
const count = 10_000;

it.each(mutatedHosts.filter((host) => collectedDeliveries(host).length > 0))(
  `meets ${count} mutated deliveries of %s with no crash and no unsigned one accepted (none without the collected ones)`,
  async (host) => {
    const { crashes, acceptedUnsigned, answers } = await meet(host, count, 2);
    expect({ crashes: crashes.slice(0, 5), acceptedUnsigned }).toEqual({ crashes: [], acceptedUnsigned: 0 });
    // Enough of them came through to what comes after the proof.
    expect(answers['202']).toBeGreaterThan(count / 10);
  },
);
