import { MongoBackend } from '@agendajs/mongo-backend';
import { Agenda, backoffStrategies } from 'agenda';
import type { Db } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../engine/ports/database.ts';

const lookMs = 10_000;
let collections = 0;

/** Agenda's own behaviours, unchanged, on a database: what timed work relies on. */
export function agendaContract(
  name: string,
  make: () => Promise<{ readonly database: Database; readonly close: () => Promise<void> }>,
): void {
  describe(`Agenda on ${name}`, () => {
    let database: Database;
    let close: () => Promise<void>;
    let running: Agenda[] = [];

    beforeAll(async () => {
      ({ database, close } = await make());
    });
    afterEach(async () => {
      await Promise.all(running.map((agenda) => agenda.stop()));
      running = [];
    });
    afterAll(() => close());

    function open(collection: string): Agenda {
      const backend = new MongoBackend({
        // Agenda types its parameter as the driver's whole `Db` and calls the part that `Database` has.
        mongo: database as Database & Db,
        collection,
      });
      const agenda = new Agenda({ backend, processEvery: '0.05 seconds' });
      agenda.on('error', () => undefined);
      agenda.on('fail', () => undefined);
      running.push(agenda);
      return agenda;
    }

    function newCollection(): string {
      collections += 1;
      return `jobs_${process.pid}_${collections}`;
    }

    it('does a job at once, and one at its time', async () => {
      const agenda = open(newCollection());
      const done: string[] = [];
      agenda.define('note', async (job) => void done.push(String((job.attrs.data as { word: string }).word)));
      await agenda.start();
      await agenda.schedule(new Date(Date.now() + 400), 'note', { word: 'later' });
      await agenda.now('note', { word: 'now' });
      await until(() => done.length === 2);
      expect(done).toEqual(['now', 'later']);
    });

    it('tries a failed job again, with the waits asked for', async () => {
      const agenda = open(newCollection());
      let tries = 0;
      agenda.define(
        'shaky',
        async () => {
          tries += 1;
          if (tries < 3) throw new Error('not yet');
        },
        { backoff: backoffStrategies.constant({ delay: 20, maxRetries: 5 }) },
      );
      await agenda.start();
      await agenda.now('shaky', {});
      await until(() => tries === 3);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(tries).toBe(3);
    });

    it('takes over the job of a worker that died, once its lock has run out', async () => {
      const collection = newCollection();
      const dead = open(collection);
      let begun = 0;
      let finished = 0;
      dead.define(
        'long',
        () => {
          begun += 1;
          // Never ends, as a worker does that was killed in the middle.
          return new Promise(() => undefined);
        },
        // One at a time: the dead one must not take the job again itself.
        { lockLifetime: 300, concurrency: 1, lockLimit: 1 },
      );
      await dead.start();
      await dead.now('long', {});
      await until(() => begun === 1);
      const heir = open(collection);
      heir.define(
        'long',
        async () => {
          finished += 1;
        },
        { lockLifetime: 300 },
      );
      await heir.start();
      await until(() => finished === 1);
    });

    it('keeps one of a unique job', async () => {
      const agenda = open(newCollection());
      const seen: unknown[] = [];
      agenda.define('once', async (job) => void seen.push(job.attrs.data));
      for (const word of ['a', 'b', 'c']) {
        await agenda
          .create('once', { key: 'x', word })
          .unique({ 'data.key': 'x' }, { insertOnly: true })
          .schedule(new Date(Date.now() + 200))
          .save();
      }
      await agenda.start();
      await until(() => seen.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(seen).toEqual([{ key: 'x', word: 'a' }]);
    });

    it('repeats by an interval, one job however often it is asked for, and goes on in a new worker', async () => {
      const collection = newCollection();
      const first = open(collection);
      let count = 0;
      first.define('tick', async () => {
        count += 1;
      });
      await first.start();
      await first.every('0.1 seconds', 'tick');
      await first.every('0.1 seconds', 'tick');
      await until(() => count >= 3);
      await first.stop();
      const { total } = await first.queryJobs({ name: 'tick' });
      expect(total).toBe(1);
      const second = open(collection);
      let later = 0;
      second.define('tick', async () => {
        later += 1;
      });
      await second.start();
      await until(() => later >= 2);
    });

    it('plans by a cron line', async () => {
      const agenda = open(newCollection());
      agenda.define('nightly', async () => undefined);
      await agenda.start();
      const job = await agenda.every('0 4 * * *', 'nightly', {}, { timezone: 'UTC' });
      expect(job.attrs.nextRunAt?.toISOString()).toMatch(/T04:00:00/);
    });

    it('shares jobs between two workers, each job done once', async () => {
      const collection = newCollection();
      const done: string[] = [];
      const workers = [open(collection), open(collection)];
      for (const worker of workers) {
        worker.define('share', async (job) => void done.push(String((job.attrs.data as { n: number }).n)), {
          concurrency: 5,
        });
      }
      const [one] = workers;
      for (let n = 0; n < 20; n += 1) await one?.now('share', { n });
      await Promise.all(workers.map((worker) => worker.start()));
      await until(() => new Set(done).size === 20);
      expect(new Set(done).size).toBe(20);
    });
  });
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + lookMs;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('It did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
