import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { Inbox } from '../../app/intake/inbox.ts';
import { webhookRoutes } from '../../app/intake/webhooks.ts';
import { createApp, listen } from '../../app/server.ts';
import { mongoEventStore } from '../../engine/mongo/event-store.ts';
import { mongoSnapshotStore } from '../../engine/mongo/snapshot-store.ts';
import { systemClock } from '../../engine/ports/clock.ts';
import { RunLoop } from '../../engine/run-loop.ts';
import { bitbucketWebhooks } from '../../providers/bitbucket/webhook.ts';
import type { WebhookSource } from '../../providers/git-host-webhook.ts';
import { giteaWebhooks } from '../../providers/gitea/webhook.ts';
import { gitHubWebhooks } from '../../providers/github/webhook.ts';
import { gitLabWebhooks } from '../../providers/gitlab/webhook.ts';
import { stage } from '../engine/core/given-run.ts';
import { tell } from './child.ts';
import { openStore } from './scratch.ts';

/** `bare`: Hono, HMAC and one insert. `paused`: Slipway takes in. `working`: it also makes a run of each delivery. */
const [mode, folder, secret, host = 'github'] = process.argv.slice(2);
if (folder === undefined || secret === undefined) throw new RangeError('Started by the benchmark alone');
const database = openStore(folder);
const { port } = await listen(mode === 'bare' ? bare(secret) : await slipway(secret), { host: '127.0.0.1', port: 0 });
tell({ port });

function bare(key: string): Hono {
  const app = new Hono();
  const deliveries = database.collection('bare');
  app.post('/webhooks/github', async (context) => {
    const body = await context.req.text();
    const expected = createHmac('sha256', key).update(body).digest();
    const given = Buffer.from((context.req.header('x-hub-signature-256') ?? '').slice(7), 'hex');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return context.json({}, 401);
    const _id = context.req.header('x-github-delivery') ?? '';
    await deliveries.insertOne({ _id, body, receivedAt: new Date() } as never);
    return context.json({ delivery: _id }, 202);
  });
  return app;
}

async function slipway(key: string): Promise<Hono> {
  const onError = (error: unknown) => process.stderr.write(`${String(error)}\n`);
  const loop = new RunLoop({
    events: mongoEventStore(database, 'run-events'),
    snapshots: mongoSnapshotStore(database),
    clock: systemClock,
    replica: 'bench',
    onError,
  });
  const source = sourceOf(key);
  const inbox = new Inbox({
    database,
    clock: systemClock,
    translate: (_provider, event, body) => source.translate(event, body),
    handle: async (event) => {
      if (event.type !== 'trigger') return {};
      const runId = randomUUID();
      await loop.send(runId, {
        type: 'CreateRun',
        runId,
        trigger: event.trigger,
        plan: { source: { type: 'detected', explanation: [] }, stages: [stage('build'), stage('test')] },
        lane: 'main',
        team: 'acme/web',
        replica: 'bench',
      });
      return {};
    },
    onError,
  });
  await inbox.prepare();
  if (mode === 'paused') inbox.pause();
  return createApp({
    webhooks: webhookRoutes({ source: () => source, inbox }),
    api: new Hono(),
    apiToken: randomUUID(),
    hosts: () => new Set(),
    isReady: () => true,
    onError,
  });
}

function sourceOf(key: string): WebhookSource {
  switch (host) {
    case 'gitlab':
      return gitLabWebhooks([key], () => new Date());
    case 'bitbucket':
      return bitbucketWebhooks([key]);
    case 'gitea':
      return giteaWebhooks([key]);
    default:
      return gitHubWebhooks([key]);
  }
}
