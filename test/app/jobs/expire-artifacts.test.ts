import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEmbeddedDatabase } from '../../../app/embedded/database/embedded-database.ts';
import { expireArtifacts } from '../../../app/jobs/expire-artifacts.ts';
import { Revisions } from '../../../deploy/revisions.ts';
import type { Run } from '../../../engine/core/run.ts';
import { mongoArtifactStore } from '../../../engine/mongo/artifact-store.ts';
import { deployTarget } from '../../engine/core/deploy-target.ts';
import { GivenRun, stage, succeeded } from '../../engine/core/given-run.ts';

const dayMs = 24 * 3_600_000;
const tenant = 'github:1';
const production = { tenant, repositoryId: '7', repository: 'acme/web', environment: 'production' };

let folder: string;
let database: ReturnType<typeof openEmbeddedDatabase>;
let now: Date;
let revisions: Revisions;
let artifacts: ReturnType<typeof mongoArtifactStore>;
let runs: Run[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-expire-'));
  database = openEmbeddedDatabase({
    file: join(folder, 'test.db'),
    onFatal: (error) => {
      throw error;
    },
  });
  now = new Date('2030-01-01T00:00:00Z');
  runs = [];
  artifacts = mongoArtifactStore(database, { now: () => now }, 30 * dayMs);
  revisions = new Revisions(database, ({ environment }) => environment);
  await revisions.prepare();
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

async function store(text: string, of = tenant): Promise<string> {
  const content = async function* () {
    yield Buffer.from(text);
  };
  return (await artifacts.put(of, content(), { maxBytes: 1_000 })).digest;
}

async function deploy(digest: string): Promise<number> {
  const { number } = await revisions.create(production, {
    digest,
    target: deployTarget({ source: { type: 'artifact', name: 'app', image: 'node:24', command: ['node', '.'] } }),
    by: 'dev',
    at: now,
    rolloutId: digest,
  });
  await revisions.claim(production, digest, now);
  await revisions.makeLive(production, number);
  return number;
}

const expire = () => expireArtifacts({ artifacts, revisions, loop: { drivenRuns: () => runs } });
const has = (digest: string, of = tenant) => artifacts.has(of, digest);

it('keeps what an environment runs or may go back to, for as long as that is so', async () => {
  const deployed: string[] = [];
  for (let count = 0; count < 12; count += 1) {
    const digest = await store(`version ${count}`);
    deployed.push(digest);
    await deploy(digest);
  }
  const [unused, others] = [await store('unused'), await store('version 11', 'github:2')];
  now = new Date(now.getTime() + 400 * dayMs);
  // Of the twelve one is live and ten are kept to go back to.
  expect(await expire()).toBe(3);
  expect([await has(unused), await has(others, 'github:2'), await has(deployed[0] ?? '')]).toEqual([
    false,
    false,
    false,
  ]);
  for (const digest of deployed.slice(1)) expect(await has(digest)).toBe(true);
});

it('keeps what a run under way has made, however long it waits for consent', async () => {
  const digest = await store('waiting');
  const given = new GivenRun(stage('build'), stage('ship', { needs: ['build'] }));
  const artifactsMade = [{ name: 'app', digest, bytes: 7 }];
  const { durationMs, log } = succeeded;
  given.finish('build', { outcome: 'succeeded', durationMs, log, annotations: [], artifacts: artifactsMade });
  runs = [given.current];
  now = new Date(now.getTime() + 60 * dayMs);
  expect(await expire()).toBe(0);
  runs = [];
  now = new Date(now.getTime() + 60 * dayMs);
  expect(await expire()).toBe(1);
  expect(await has(digest)).toBe(false);
});
