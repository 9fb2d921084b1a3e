import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../../app/embedded/database/embedded-database.ts';
import { RollOut } from '../../../app/reconcilers/roll-out.ts';
import { Revisions } from '../../../deploy/revisions.ts';
import type { RolloutEvent } from '../../../deploy/rollout-events.ts';
import type { RunEvent } from '../../../engine/core/run-events.ts';
import { mongoEventStore } from '../../../engine/mongo/event-store.ts';
import { mongoSnapshotStore } from '../../../engine/mongo/snapshot-store.ts';
import { systemClock } from '../../../engine/ports/clock.ts';
import { EngineError } from '../../../engine/ports/errors.ts';
import { RunLoop } from '../../../engine/run-loop.ts';
import { deployTarget } from '../../engine/core/deploy-target.ts';
import { stage, trigger } from '../../engine/core/given-run.ts';

const ship = stage('ship', {
  kind: 'deploy',
  deploy: deployTarget({ readyWithinMs: 60_000 }),
});

describe('a rollout while the store is away', () => {
  let folder: string;
  let database: EmbeddedDatabase;
  let loop: RunLoop;
  let rollOut: RollOut;
  let isAway: boolean;
  /** Appends that found no store, and revisions that the cluster was asked for. */
  let refused: number;
  let applied: number[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-roll-out-'));
    database = openEmbeddedDatabase({ file: join(folder, 'store.db'), onFatal: () => undefined });
    isAway = false;
    refused = 0;
    applied = [];
    const rollouts = mongoEventStore<RolloutEvent>(database, 'rollout-events');
    const revisions = new Revisions(database, () => 'production');
    await revisions.prepare();
    loop = new RunLoop({
      events: mongoEventStore<RunEvent>(database, 'run-events'),
      snapshots: mongoSnapshotStore(database),
      clock: systemClock,
      replica: 'one',
      onError: (error) => {
        throw error;
      },
    });
    rollOut = new RollOut({
      loop,
      cluster: {
        apply: async (_, { number }) => void applied.push(number),
        observe: async () => ({ isReady: false, message: 'starting' }),
        trouble: async () => undefined,
        pause: async () => undefined,
        remove: async () => undefined,
      },
      revisions,
      events: {
        load: (stream, after) => rollouts.load(stream, after),
        streams: () => rollouts.streams(),
        append: async (commit) => {
          if (!isAway) return rollouts.append(commit);
          refused += 1;
          throw new EngineError({ code: 'unavailable', what: 'Appending', why: 'no answer', fix: 'It is tried again' });
        },
      },
      clock: systemClock,
      mayStart: async () => ({}),
      onError: () => undefined,
    });
  });
  afterEach(async () => {
    rollOut.stop();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is begun once the store is back, though nothing else happens in its run', async () => {
    isAway = true;
    await loop.send('r1', {
      type: 'CreateRun',
      runId: 'r1',
      trigger,
      plan: { source: { type: 'detected', explanation: [] }, stages: [ship] },
      lane: 'main',
      team: 'acme/web',
      replica: 'one',
    });
    await loop.send('r1', { type: 'ScheduleStage', stage: 'ship', reason: 'first in line' });
    await vi.waitFor(() => expect(refused).toBe(1));
    isAway = false;
    await vi.waitFor(() => expect(applied).toContain(1), { timeout: 10_000 });
  });
});
