import type { Hono } from 'hono';
import type { Logger } from 'pino';
import { systemClock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import { EngineError } from '../../engine/ports/errors.ts';
import type { Lease } from '../../engine/ports/lease.ts';
import type { WebhookSource } from '../../providers/git-host-webhook.ts';
import type { Config } from '../config.ts';
import { reportOf } from '../error-report.ts';
import { Inbox } from '../intake/inbox.ts';
import { webhookRoutes } from '../intake/webhooks.ts';
import { standBy } from './standby.ts';

const lostLeaseExitCode = 75;

/** Waits until this replica leads, and ends the process once another does: what it still has in mind is out of date. */
export async function lead(
  config: Config,
  { database, leases }: { readonly database: Database; readonly leases: Database },
  source: (provider: string) => WebhookSource | undefined,
  pages: Hono,
  signal: AbortSignal | undefined,
  log: Logger,
): Promise<Lease> {
  const onError = (error: unknown) => {
    const { message, ...facts } = reportOf(error);
    log.error(facts, message);
  };
  const inbox = new Inbox({
    database,
    clock: systemClock,
    translate: () => ({ type: 'ignored', because: 'this replica stands by' }),
    handle: async () => ({}),
    onError,
  });
  await inbox.prepare();
  inbox.pause();
  log.info({ replica: config.replica }, 'Waiting to lead');
  const lease = await standBy({
    config,
    leases,
    webhooks: webhookRoutes({ source, inbox }),
    pages,
    signal: signal ?? new AbortController().signal,
    onError,
  });
  if (lease === undefined) {
    throw new EngineError({
      code: 'unavailable',
      what: 'Waiting to lead',
      why: 'The process was asked to end',
      fix: 'Start it again',
    });
  }
  log.info({ replica: config.replica, epoch: lease.epoch }, 'This replica leads');
  void lease.lost.then(() => {
    log.fatal({ replica: config.replica, epoch: lease.epoch }, 'Another replica leads now');
    process.exit(lostLeaseExitCode);
  });
  return lease;
}
