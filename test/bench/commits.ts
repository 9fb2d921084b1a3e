import { randomUUID } from 'node:crypto';
import { mongoEventStore } from '../../engine/mongo/event-store.ts';
import { GivenRun, stage } from '../engine/core/given-run.ts';
import type { Print } from './figures.ts';
import { inScratch, openStore } from './scratch.ts';

const writes = 4_000;
const rounds = 3;
const goal = 0.6;

/** Commits of a run's creation, against bare inserts of the same document into the same store. */
export async function benchCommits(print: Print): Promise<void> {
  const { events } = new GivenRun(stage('build'), stage('test', { needs: ['build'] }));
  await inScratch(async (folder) => {
    const database = openStore(folder);
    const store = mongoEventStore(database, 'run-events');
    const bare = database.collection('bare');
    const insert = (id: string) =>
      bare.insertOne({ _id: `${id}:00000001`, stream: id, version: 1, commandId: randomUUID(), events } as never);
    const append = (stream: string) => store.append({ stream, version: 1, commandId: randomUUID(), events });

    for (const parallel of [1, 50]) {
      const best = { bare: 0, commits: 0 };
      for (let round = 0; round < rounds; round += 1) {
        best.bare = Math.max(best.bare, await perSecond(insert, parallel));
        best.commits = Math.max(best.commits, await perSecond(append, parallel));
      }
      const ratio = best.commits / best.bare;
      print({
        what: parallel === 1 ? 'event commits, one after another' : `event commits, ${parallel} at once`,
        measured: `${rate(best.commits)}, bare insert ${rate(best.bare)}, ratio ${ratio.toFixed(2)}`,
        goal: { text: `ratio >= ${goal}`, isMet: ratio >= goal },
      });
    }
    await database.close();
  });
}

async function perSecond(write: (id: string) => Promise<unknown>, parallel: number): Promise<number> {
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (let index = 0; index < writes / parallel; index += 1) await write(randomUUID());
    }),
  );
  return (writes * 1_000) / (performance.now() - begin);
}

function rate(value: number): string {
  return `${Math.round(value).toLocaleString('en')}/s`;
}
