import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../app/embedded/database/embedded-database.ts';
import { Revisions } from '../../deploy/revisions.ts';
import { RolloutDriver } from '../../deploy/rollout-driver.ts';
import type { RolloutEvent } from '../../deploy/rollout-events.ts';
import { mongoEventStore } from '../../engine/mongo/event-store.ts';
import { deployTarget } from '../engine/core/deploy-target.ts';

const hourMs = 3_600_000;

describe('a rollout during which the machine’s clock is set', () => {
  let folder: string;
  let database: EmbeddedDatabase;
  let service: Server;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-rollout-'));
    database = openEmbeddedDatabase({ file: join(folder, 'store.db'), onFatal: () => undefined });
    service = createServer((_, response) => void response.end('ok')).listen(0, '127.0.0.1');
    await once(service, 'listening');
  });
  afterEach(async () => {
    service.close();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['an hour on', hourMs],
    ['an hour back', -hourMs],
  ])('%s is neither late nor endless', async (_, stepMs) => {
    const address = service.address();
    if (address === null || typeof address === 'string') throw new RangeError('No port');
    const revisions = new Revisions(database, () => 'production');
    await revisions.prepare();
    let offsetMs = 0;
    let looks = 0;
    const driver = new RolloutDriver({
      cluster: {
        apply: async () => {
          offsetMs = stepMs;
        },
        observe: async () => {
          looks += 1;
          return looks < 3
            ? { isReady: false, message: 'starting' }
            : { isReady: true, message: 'ready', revision: 1, url: `http://127.0.0.1:${address.port}` };
        },
        trouble: async () => undefined,
        pause: async () => undefined,
        remove: async () => undefined,
      },
      revisions,
      events: mongoEventStore<RolloutEvent>(database, 'rollout-events'),
      clock: { now: () => new Date(Date.now() + offsetMs) },
      onError: (error) => expect.fail(String(error)),
    });
    const rollout = await driver.drive(
      {
        rolloutId: 'one',
        environment: { tenant: 'github:1', repositoryId: '7', repository: 'acme/web', environment: 'production' },
        target: deployTarget({ readyWithinMs: 60_000, smoke: { path: '/', expectStatus: 200, timeoutMs: 10_000 } }),
        digest: `sha256:${'a'.repeat(64)}`,
        by: 'dev',
        orderAt: new Date(),
      },
      () => undefined,
    );
    expect(rollout.state.status).toBe('succeeded');
  });
});
