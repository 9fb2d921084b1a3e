import { benchCommits } from './commits.ts';
import { printTo } from './figures.ts';
import { benchFirstReaction } from './first-reaction.ts';
import { benchIntake } from './intake.ts';
import { benchMillion } from './million.ts';
import { benchNextPod } from './next-pod.ts';
import { benchOwnTime } from './own-time.ts';
import { benchReplay } from './replay.ts';
import { benchRunsInFlight } from './runs-in-flight.ts';

const benches = {
  intake: benchIntake,
  commits: benchCommits,
  million: benchMillion,
  replay: benchReplay,
  'next-pod': benchNextPod,
  'own-time': benchOwnTime,
  'runs-in-flight': benchRunsInFlight,
  'first-reaction': benchFirstReaction,
} as const;

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.keys(benches).includes(name));
if (unknown !== undefined) {
  process.stderr.write(`There is no benchmark "${unknown}"; there are: ${Object.keys(benches).join(', ')}\n`);
  process.exit(2);
}
const print = printTo(process.stdout);
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  process.stdout.write(`\n${name}\n`);
  await bench(print);
}
process.exit(0);
