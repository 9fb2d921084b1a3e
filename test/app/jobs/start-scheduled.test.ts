import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../../app/embedded/database/embedded-database.ts';
import { nextTime, Schedules } from '../../../app/jobs/start-scheduled.ts';
import type { Pipeline } from '../../../engine/core/pipeline.ts';
import { type RepositoryRef, Sha } from '../../../engine/core/trigger.ts';

const repository: RepositoryRef = { provider: 'github', tenant: 'github:1', id: '7', owner: 'acme', name: 'web' };
const head = Sha('d'.repeat(40));

let folder: string;
let database: EmbeddedDatabase;
let now: Date;
let started: { readonly key: string; readonly schedule: string; readonly headSha: string }[];
let errors: unknown[];
let headOf: () => Promise<Sha | undefined>;
let schedules: Schedules;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-schedules-'));
  database = openEmbeddedDatabase({ file: join(folder, 'test.db'), onFatal: () => undefined });
  now = new Date('2026-03-01T03:30:00Z');
  started = [];
  errors = [];
  headOf = async () => head;
  schedules = new Schedules({
    database,
    clock: { now: () => now },
    // Only the one verb that schedules ask for.
    hosts: () => ({ branchHead: () => headOf() }) as never,
    start: async ({ schedule, headSha }, key) => void started.push({ key, schedule, headSha }),
    onError: (error) => errors.push(error),
  });
  await schedules.prepare();
});

afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

function pipeline(...lines: readonly string[]): Pipeline {
  return { on: lines.map((cron) => ({ event: 'schedule', cron })), stages: [] };
}

it('starts a run of the branch head when its time has come, once', async () => {
  await schedules.follow(repository, 'main', pipeline('0 4 * * *'));
  await schedules.startDue();
  expect(started).toEqual([]);
  now = new Date('2026-03-01T04:00:01Z');
  await schedules.startDue();
  await schedules.startDue();
  expect(started).toEqual([
    { key: 'schedule:github:1/7/0 4 * * *:2026-03-01T04:00:00.000Z', schedule: '0 4 * * *', headSha: head },
  ]);
});

it('makes up for a pause by one run, and goes on from now', async () => {
  await schedules.follow(repository, 'main', pipeline('*/10 * * * *'));
  now = new Date('2026-03-01T09:05:00Z');
  await schedules.startDue();
  expect(started).toHaveLength(1);
  now = new Date('2026-03-01T09:10:00Z');
  await schedules.startDue();
  expect(started).toHaveLength(2);
});

it('forgets lines that the pipeline dropped, and keeps the time of those that stay', async () => {
  await schedules.follow(repository, 'main', pipeline('0 4 * * *', '0 5 * * *'));
  now = new Date('2026-03-01T04:30:00Z');
  await schedules.follow(repository, 'main', pipeline('0 4 * * *'));
  now = new Date('2026-03-01T06:00:00Z');
  await schedules.startDue();
  expect(started.map(({ schedule }) => schedule)).toEqual(['0 4 * * *']);
});

it('tries again when the host cannot be asked, and says so', async () => {
  await schedules.follow(repository, 'main', pipeline('0 4 * * *'));
  now = new Date('2026-03-01T04:01:00Z');
  headOf = async () => {
    throw new Error('down');
  };
  await schedules.startDue();
  expect([started.length, errors.length]).toEqual([0, 1]);
  headOf = async () => head;
  await schedules.startDue();
  expect(started).toHaveLength(1);
});

it('forgets a branch that is gone, and a time that never comes', async () => {
  await schedules.follow(repository, 'main', pipeline('0 4 * * *', '0 4 31 2 *'));
  headOf = async () => undefined;
  now = new Date('2026-03-01T04:01:00Z');
  await schedules.startDue();
  headOf = async () => head;
  now = new Date('2027-04-01T04:01:00Z');
  await schedules.startDue();
  expect(started).toEqual([]);
  expect(nextTime('0 4 31 2 *', now)).toBeUndefined();
});
