import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { appManifest } from '../../app/app-manifest.ts';
import { openEmbeddedDatabase } from '../../app/embedded/database/embedded-database.ts';
import { startEmbeddedGitHost } from '../../app/embedded/git-host/git-host.ts';
import { WorkingCopy } from '../../app/embedded/working-copy.ts';
import { Inbox } from '../../app/intake/inbox.ts';
import { KnownRefs } from '../../app/intake/known-refs.ts';
import { StartRun } from '../../app/intake/start-run.ts';
import { webhookRoutes } from '../../app/intake/webhooks.ts';
import { ShowChecks } from '../../app/reconcilers/show-checks.ts';
import { RequestBudgets } from '../../app/request-budgets.ts';
import { createApp, listen } from '../../app/server.ts';
import type { RunEvent } from '../../engine/core/run-events.ts';
import { mongoEventStore } from '../../engine/mongo/event-store.ts';
import { mongoRunList } from '../../engine/mongo/run-list.ts';
import { mongoSnapshotStore } from '../../engine/mongo/snapshot-store.ts';
import { systemClock } from '../../engine/ports/clock.ts';
import { RunLoop } from '../../engine/run-loop.ts';
import { createGitHubHost } from '../../providers/github/adapter.ts';
import { gitHubWebhooks } from '../../providers/github/webhook.ts';
import { succeeded } from '../engine/core/given-run.ts';

const pulls = 200;
const stages = ['build', 'lint', 'test'];
const openedWithinMs = 10_000;
const secret = 'a secret for tests alone';
const pipeline = `stages:\n${stages.map((name) => `  ${name}: { commands: ['true'] }\n`).join('')}`;
const Checks = z.object({
  check_runs: z.array(z.object({ name: z.string(), conclusion: z.string().nullable() })),
});
const Comments = z.array(z.object({ body: z.string() }));

let folder: string;
let underWay = 0;
let lastWriteAt = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: new Date('2026-03-01T09:00:00Z') });
  folder = mkdtempSync(join(tmpdir(), 'slipway-many-'));
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', async (...words: Parameters<typeof fetch>) => {
    underWay += 1;
    const [url, init] = words;
    try {
      const answer = await fetch(url, init);
      if (/\/(?:check-runs|comments)(?:\/\d+)?$/.test(String(url)) && init?.method !== 'GET') lastWriteAt = Date.now();
      return answer;
    } finally {
      underWay -= 1;
    }
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

/** Lets time pass in steps; what was asked of the host is answered within the step. */
async function pass(ms: number, stepMs = 250): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await vi.advanceTimersByTimeAsync(stepMs);
    for (let quiet = 0; quiet < 30; quiet = underWay === 0 ? quiet + 1 : 0)
      await new Promise((resolve) => setImmediate(resolve));
  }
}

it(`shows the end of ${pulls} pull requests opened within 10 s at a host that enforces its limits`, async () => {
  const log = pino({ level: 'silent' });
  const embedded = await startEmbeddedGitHost({ dataDir: join(folder, 'host'), log, secondaryLimits: 'enforced' });
  embedded.createUser('dev');
  embedded.createOrganization('acme', { admins: ['dev'] });
  const { cloneUrl } = await embedded.createRepository('acme', 'web');
  const registered = await embedded.registerApp({
    owner: 'acme',
    webhookUrl: 'http://127.0.0.1:9/',
    webhookSecret: secret,
    ...appManifest(),
  });
  const token = embedded.createToken('dev');
  const copy = await WorkingCopy.create(join(folder, 'copy'), {
    url: cloneUrl,
    login: 'dev',
    token,
    email: 'dev@example.com',
  });
  await copy.push('main', { '.slipway.yaml': pipeline }, 'Begin');
  const git = (...args: string[]) => execFileSync('git', args, { cwd: join(folder, 'copy'), encoding: 'utf8' }).trim();
  const identity = ['-c', 'user.name=dev', '-c', 'user.email=dev@example.com'];
  for (let number = 1; number <= pulls; number += 1) {
    const sha = git(...identity, 'commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', `Change ${number}`);
    git('update-ref', `refs/heads/change-${number}`, sha);
  }
  await copy.git('push', '--quiet', 'origin', 'refs/heads/change-*:refs/heads/change-*');
  embedded.installApp(registered.slug, 'acme');

  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const database = openEmbeddedDatabase({ file: join(folder, 'slipway.db'), onFatal: onError });
  const gitHub = await createGitHubHost({
    appId: registered.appId,
    privateKey: registered.privateKey,
    webhookSecret: secret,
    baseUrl: embedded.apiUrl,
  });
  const budgets = new RequestBudgets(systemClock);
  const metered = budgets.meter(gitHub);
  const loop = new RunLoop({
    events: mongoEventStore<RunEvent>(database, 'run-events'),
    snapshots: mongoSnapshotStore(database),
    clock: systemClock,
    replica: 'one',
    onError,
  });
  const runs = await mongoRunList(database);
  const show = new ShowChecks({ hosts: () => gitHub, database, clock: systemClock, budgets, onError });
  await show.prepare();
  loop.onChange((change) => show.runChanged(change));
  const start = new StartRun({
    loop,
    runs,
    hosts: () => metered,
    replica: 'one',
    poolsOf: () => [],
    showMistakes: async () => undefined,
    showConsent: async () => undefined,
    isHotfix: async () => false,
    followSchedules: async () => undefined,
  });
  const refs = new KnownRefs({ database, clock: systemClock });
  await refs.prepare();
  const source = gitHubWebhooks([secret]);
  const inbox = new Inbox({
    database,
    clock: systemClock,
    translate: (_, event, body) => source.translate(event, body),
    handle: async (event, delivery) => {
      if (event.type !== 'trigger') return {};
      const news = await refs.news(event, delivery, metered);
      if (!('trigger' in news)) return {};
      const started = await start.start(news.trigger, delivery);
      await refs.saw(news.trigger, delivery);
      if (started.outcome === 'run') await finish(started.runId);
      return {};
    },
    onError,
  });
  /** All stages of a run pass at once. */
  async function finish(runId: string): Promise<void> {
    for (const stage of stages) {
      await loop.send(runId, { type: 'ScheduleStage', stage, reason: 'test' });
      await loop.send(runId, { type: 'StartStage', stage, attempt: 1 });
      await loop.send(runId, { type: 'RecordResult', stage, attempt: 1, result: succeeded });
    }
  }
  await inbox.prepare();
  const app = createApp({
    webhooks: webhookRoutes({ source: () => source, inbox }),
    api: new Hono(),
    apiToken: 'token',
    hosts: () => new Set(),
    isReady: () => true,
    onError,
  });
  const { server, port } = await listen(app, { host: '127.0.0.1', port: 0 });
  embedded.setWebhookUrl(registered.slug, `http://127.0.0.1:${port}/webhooks/github`);

  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${embedded.apiUrl}/repos/acme/web${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  embedded.requests.reset();
  const began = Date.now();
  for (let number = 1; number <= pulls; number += 1) {
    await ask('POST', '/pulls', { title: `Change ${number}`, head: `change-${number}`, base: 'main', body: '' });
    if (number % 5 === 0) await pass(openedWithinMs / (pulls / 5));
  }
  await pass(10 * 60_000, 1_000);

  const last = lastWriteAt;
  const { points, writes } = spentOf(embedded.requests.byRoute());
  for (let number = 1; number <= pulls; number += 1) {
    const sha = git('rev-parse', `change-${number}`);
    const { check_runs } = Checks.parse(await ask('GET', `/commits/${sha}/check-runs?per_page=100`));
    expect(check_runs.map(({ name, conclusion }) => `${name} ${conclusion}`).sort()).toEqual(
      stages.map((name) => `slipway / ${name} success`),
    );
    const [comment] = Comments.parse(await ask('GET', `/issues/${number}/comments`));
    expect(comment?.body).toContain('All 3 stages passed');
  }
  // The first window's worth at once, then one each minute; comments 80 a minute.
  const least = Math.max(Math.ceil(points / 900) - 1, Math.ceil(pulls / 80) - 1) * 60_000;
  const seconds = (last - began) / 1_000;
  console.log(JSON.stringify({ pulls, points, writes, refused: embedded.refusals(), seconds, least: least / 1_000 }));
  expect(embedded.refusals()).toBe(0);
  expect(errors).toEqual([]);
  expect(last - began).toBeLessThanOrEqual((least + openedWithinMs) * 1.1);

  show.stop();
  budgets.stop();
  server.close();
  server.closeAllConnections();
  await inbox.idle();
  await database.close();
  await embedded.stop();
});

/** What Slipway asked for; the pull requests were opened by a person. */
function spentOf(routes: Readonly<Record<string, number>>): { readonly points: number; readonly writes: number } {
  const own = Object.entries(routes).filter(([route]) => !route.endsWith('/pulls') && !route.includes('/app/'));
  const count = (isWrite: boolean) =>
    own.filter(([route]) => !route.startsWith('GET ') === isWrite).reduce((sum, [, times]) => sum + times, 0);
  return { points: count(true) * 5 + count(false), writes: count(true) };
}
