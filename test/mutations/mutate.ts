import { parseArgs } from 'node:util';
import { meet, mutatedHosts } from './meet.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    host: { type: 'string', multiple: true },
  },
});
const asked = mutatedHosts.filter((host) => values.host === undefined || values.host.includes(host));
let isGood = asked.length > 0;
for (const host of asked) {
  const began = performance.now();
  const { crashes, heapMiB, ...met } = await meet(host, Number(values.count), Number(values.seed), globalThis.gc);
  const [first = 0, last = 0] = [heapMiB[1], heapMiB.at(-1)];
  const isLevel = last <= first * 1.2 + 8;
  isGood &&= crashes.length === 0 && met.acceptedUnsigned === 0 && isLevel;
  console.log(
    JSON.stringify({
      host,
      ...met,
      crashes: crashes.length,
      examples: [...new Set(crashes)].slice(0, 5),
      heapMiB,
      isLevel,
      seconds: Math.round((performance.now() - began) / 1_000),
    }),
  );
}
process.exit(isGood ? 0 : 1);
