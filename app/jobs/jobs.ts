import { MongoBackend } from '@agendajs/mongo-backend';
import { Agenda } from 'agenda';
import type { Db } from 'mongodb';
import type { Database } from '../../engine/ports/database.ts';

/** Work that happens at its time, also after a restart: one name, one interval, one act that may be repeated. */
export interface Job {
  readonly name: string;
  readonly every: string;
  readonly run: () => Promise<unknown>;
}

const stopWithinMs = 3_000;

/** Runs jobs by Agenda over the same database. */
export async function startJobs(
  database: Database,
  jobs: readonly Job[],
  onError: (error: unknown) => void,
): Promise<{ stop(): Promise<void> }> {
  if (!hasAllOfDb(database)) throw new TypeError('The database lacks what Agenda calls');
  const agenda = new Agenda({ backend: new MongoBackend({ mongo: database }), processEvery: '1 second' });
  agenda.on('error', onError);
  agenda.on('fail', onError);
  for (const { name, run } of jobs)
    agenda.define(name, async () => void (await run()), { concurrency: 1, lockLifetime: 60_000 });
  await agenda.start();
  for (const { name, every } of jobs) await agenda.every(every, name);
  return {
    async stop() {
      await agenda.drain(stopWithinMs);
      await agenda.stop();
    },
  };
}

/** Agenda types its parameter as the driver's whole `Db` and calls the part that `Database` has; the contract suite runs it on both. */
function hasAllOfDb(database: Database): database is Database & Db {
  return typeof database.collection === 'function';
}
