import { mkdir } from 'node:fs/promises';
import { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { Revisions } from '../deploy/revisions.ts';
import type { RolloutEvent } from '../deploy/rollout-events.ts';
import { startAgentEndpoint } from '../engine/agent/endpoint.ts';
import type { Run } from '../engine/core/run.ts';
import type { RunEvent } from '../engine/core/run-events.ts';
import type { PoolOf } from '../engine/core/schedule.ts';
import { withKeepAlive } from '../engine/kubernetes/client.ts';
import { clusterAccess } from '../engine/kubernetes/cluster-access.ts';
import { clusterGet, tokenIssuer } from '../engine/kubernetes/cluster-fetch.ts';
import { fence } from '../engine/kubernetes/fence.ts';
import { podIdentity } from '../engine/kubernetes/pod-identity.ts';
import { mongoArtifactStore } from '../engine/mongo/artifact-store.ts';
import { mongoEventStore } from '../engine/mongo/event-store.ts';
import { mongoLogStore } from '../engine/mongo/log-store.ts';
import { mongoRunList } from '../engine/mongo/run-list.ts';
import { mongoSnapshotStore } from '../engine/mongo/snapshot-store.ts';
import type { SourceAccess } from '../engine/ports/attempt-host.ts';
import { steadyClock, systemClock } from '../engine/ports/clock.ts';
import { RunLoop } from '../engine/run-loop.ts';
import { Scheduler } from '../engine/scheduler.ts';
import type { GitHost } from '../providers/git-host.ts';
import { apiRoutes } from './api.ts';
import { createAttemptHost } from './attempt-host.ts';
import { clusterAdapters } from './cluster-adapters.ts';
import { type Config, defaultRetention } from './config.ts';
import { openConversation } from './conversation/conversation.ts';
import { reportOf } from './error-report.ts';
import { FollowInstallations } from './installations/follow-installations.ts';
import { gitHostsOf } from './installations/git-hosts-of.ts';
import { Installations } from './installations/installations.ts';
import { openInstallations } from './installations/open-installations.ts';
import { heedEvent } from './intake/heed-event.ts';
import { Inbox } from './intake/inbox.ts';
import { KnownRefs } from './intake/known-refs.ts';
import { missedHostEvent, missedProvider } from './intake/missed-event.ts';
import { StartRun } from './intake/start-run.ts';
import { webhookRoutes } from './intake/webhooks.ts';
import { expireArtifacts } from './jobs/expire-artifacts.ts';
import { startJobs } from './jobs/jobs.ts';
import { redeliverMissed } from './jobs/redeliver-missed.ts';
import { Schedules } from './jobs/start-scheduled.ts';
import { defaultPace, SweepMissedEvents } from './jobs/sweep-missed-events.ts';
import { openDatabase } from './open-database.ts';
import { openPages, type Pages } from './pages/open-pages.ts';
import { ReadRuns } from './read-runs.ts';
import { rebuildReadModels } from './rebuild.ts';
import { closeLogs } from './reconcilers/close-logs.ts';
import { CreatePods, defaultCreatePodsSettings } from './reconcilers/create-pods.ts';
import { ListRuns } from './reconcilers/list-runs.ts';
import { RollOut } from './reconcilers/roll-out.ts';
import { ShowChecks } from './reconcilers/show-checks.ts';
import { fenceHost } from './replicas/fence-host.ts';
import { lead } from './replicas/lead.ts';
import { followReplicas, takeOverRuns } from './replicas/take-over-runs.ts';
import { RequestBudgets } from './request-budgets.ts';
import { createApp, listen } from './server.ts';
import type { Audit } from './steering/audit.ts';

const maxArtifactBytes = 2 * 2 ** 30;
const lookForGitHostsMs = 5_000;
const leftUploadMs = 3_600_000;

/** A running Slipway. */
export interface Slipway {
  readonly url: string;
  readonly loop: RunLoop;
  readonly start: StartRun;
  readonly inbox: Inbox;
  /** Opens a page of runs for somebody whom a Git host vouches for, once; undefined: the address is none of those. */
  readonly personLink: Pages['personLink'];
  readonly audit: Audit;
  /** Resolves when everything that runs want shown is shown. */
  shown(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Builds Slipway out of its parts and starts it. Unfinished runs are taken over before anybody may ask about them.
 * Over a database that replicas share, it first waits until this one leads; from then on it ends the process when
 * another leads.
 * @param options.signal ends that wait
 * @param options.localSource where the source of `local` repositories is: a working tree that was made a commit
 */
export async function startSlipway(
  config: Config,
  log: Logger,
  options: { readonly localSource?: string; readonly signal?: AbortSignal } = {},
): Promise<Slipway> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const onError = (error: unknown) => {
    const { message, ...facts } = reportOf(error);
    log.error(facts, message);
  };
  const { database, leases, close } = await openDatabase(config, log);
  const installations = new Installations({ database, clock: systemClock });
  const gitHosts = await gitHostsOf(config, { database, installations, log });
  gitHosts.inUse.watch(lookForGitHostsMs, onError);
  let listensAt = '';
  const ownUrl = () => config.url ?? listensAt;
  const allowed = new Set<string>(config.url === undefined ? [] : [new URL(config.url).host]);
  const pages = openPages({
    config,
    database,
    gitHosts,
    url: ownUrl,
    hosts: () => allowed,
    onError,
  });
  const sourceOf = (provider: string) => gitHosts.inUse.source(provider);
  const { logMs, artifactMs } = config.retention ?? defaultRetention;
  const logs = mongoLogStore(database, systemClock, logMs);
  const runs = await mongoRunList(database);
  const runEvents = mongoEventStore<RunEvent>(database, 'run-events');
  const snapshots = mongoSnapshotStore(database);
  const loop = new RunLoop({ events: runEvents, snapshots, clock: systemClock, replica: config.replica, onError });
  const read = new ReadRuns({ loop, runs, logs });
  // Reading takes no lease: one that stands by shows runs too, but for what waits for a slot.
  const pagesMeanwhile = pages.routes({ read, hosts: (provider) => gitHosts.inUse.host(provider), waitsOf: () => [] });
  const lease =
    config.database.type === 'mongodb'
      ? await lead(config, { database, leases }, sourceOf, pagesMeanwhile, options.signal, log)
      : undefined;
  const kubernetes = new KubeConfig();
  kubernetes.loadFromString(config.kubeconfig);
  withKeepAlive(kubernetes);
  if (lease !== undefined) fence(kubernetes, () => lease.confirmed());

  const artifacts = mongoArtifactStore(database, systemClock, artifactMs);
  const cluster = clusterAdapters(kubernetes, config, { hostUrl: (provider) => gitHosts.inUse.url(provider), onError });
  const revisions = new Revisions(database, cluster.environmentNamespaceOf);
  await revisions.prepare();
  await installations.prepare();
  const steady = steadyClock();
  const budgets = new RequestBudgets(steady);
  const plainHostOf = (provider: string): GitHost => {
    const host = gitHosts.inUse.host(provider);
    return lease === undefined ? host : fenceHost(host, () => lease.confirmed());
  };
  const hostOf = (provider: string) => budgets.meter(plainHostOf(provider));

  const rolloutEvents = mongoEventStore<RolloutEvent>(database, 'rollout-events');
  const source = async (run: Run): Promise<SourceAccess> => {
    const { repository, trigger } = run;
    if (repository.provider === 'local') return { url: options.localSource ?? '', sha: trigger.headSha };
    return { ...(await hostOf(repository.provider).cloneAccess(repository)), sha: trigger.headSha };
  };
  const createPods = new CreatePods({
    loop,
    pods: cluster.pods,
    clock: systemClock,
    settings: defaultCreatePodsSettings,
    onError,
  });
  const attemptHost = createAttemptHost({
    loop,
    source,
    namespaceOf: cluster.namespaceOf,
    disturbanceOf: (name) => createPods.disturbanceOf(name),
  });
  const conversation = await openConversation({
    database,
    loop,
    runs,
    revisions,
    hosts: hostOf,
    waitsOf: (runId) => waitsOf(runId),
    clock: systemClock,
    replica: config.replica,
    onError,
  });
  const rollOut = new RollOut({
    loop,
    mayStart: conversation.mayStart,
    cluster: cluster.deployments,
    revisions,
    events: rolloutEvents,
    clock: systemClock,
    onError,
  });
  const slotsOf = ({ tenant, name }: PoolOf) =>
    cluster.settingsOf(tenant).pools[name]?.slots ?? Number.POSITIVE_INFINITY;
  const scheduler = new Scheduler({
    loop,
    rules: { ...config.slots, slotsOf },
    clock: systemClock,
    room: () => createPods.room,
    onError,
  });
  createPods.onRoom(() => scheduler.roomMade());
  closeLogs({ loop, logs, onError });
  const listRuns = new ListRuns({ loop, runs, onError });
  const waitsOf = (runId: string) => [...scheduler.waitsOf(runId), ...createPods.waitsOf(runId)];
  const showChecks = new ShowChecks({
    // It spends by itself, ends first.
    hosts: plainHostOf,
    database,
    clock: steady,
    budgets,
    waitsOf: (runId) => createPods.waitsOf(runId),
    onShown: (runId) => void runs.markShown(runId).catch(onError),
    ...(config.url === undefined ? {} : { addressOf: pages.addressOf }),
    onError,
  });
  await showChecks.prepare();
  loop.onChange((change) => showChecks.runChanged(change));
  createPods.onWait((runId) => {
    const run = loop.driven(runId);
    if (run !== undefined) showChecks.runChanged({ run });
  });

  const start = new StartRun({
    loop,
    runs,
    hosts: hostOf,
    replica: config.replica,
    poolsOf: (tenant) => Object.keys(cluster.settingsOf(tenant).pools),
    showMistakes: (trigger, path, mistakes) => showChecks.showMistakes(trigger, path, mistakes),
    showConsent: async (trigger) => {
      await conversation.forkAsked(trigger);
      if (trigger.action === 'opened' || trigger.action === 'updated') await showChecks.showConsent(trigger);
    },
    isHotfix: (repository, number, headSha) => conversation.hotfixes.isHotfix(repository, number, headSha),
    followSchedules: (repository, branch, pipeline) => schedules.follow(repository, branch, pipeline),
  });
  const schedules = new Schedules({
    database,
    clock: systemClock,
    hosts: hostOf,
    start: (trigger, key) => start.start(trigger, key),
    onError,
  });
  await schedules.prepare();
  const followInstallations = new FollowInstallations({
    installations,
    runs,
    loop,
    show: (change) => showChecks.runChanged(change),
  });
  const letIn = await openInstallations({
    config,
    database,
    cluster: clusterAccess(kubernetes),
    gitHosts,
    installations,
    follow: followInstallations,
    hosts: hostOf,
    setupLink: pages.setupLink,
    url: ownUrl,
    onError,
    log,
  });
  const refs = new KnownRefs({ database, clock: systemClock });
  await refs.prepare();
  const inbox = new Inbox({
    database,
    clock: systemClock,
    translate: (provider, event, body) =>
      (provider === missedProvider ? missedHostEvent(body) : sourceOf(provider)?.translate(event, body)) ?? {
        type: 'ignored',
        because: `${provider} is not set up any more`,
      },
    handle: heedEvent({ installations: followInstallations, conversation, start, refs, hosts: hostOf }),
    onError,
  });
  await inbox.prepare();
  const sweepMissed = new SweepMissedEvents({
    refs,
    hosts: hostOf,
    take: (delivery) => inbox.take(delivery),
    pace: defaultPace,
    onError,
  });

  await takeOverRuns({ loop, runs }, log);

  const endpoint = await startAgentEndpoint({
    host: attemptHost,
    logs,
    artifacts,
    authenticate: podIdentity({
      issuer: await tokenIssuer(kubernetes),
      loadKeys: () => clusterGet(kubernetes, '/openid/v1/jwks'),
    }),
    deployedBy: (namespace, digest) => revisions.tenantOfDeployed(namespace, digest),
    address: config.agents,
    maxArtifactBytes,
    onError,
  });
  createPods.start();
  cluster.start();

  let isReady = false;
  const app = createApp({
    webhooks: webhookRoutes({ source: sourceOf, inbox }),
    api: apiRoutes({
      loop,
      runs,
      read,
      waitsOf,
      rollback: (request) => rollOut.rollBack(request),
      audit: conversation.audit,
      approvals: conversation.operator,
      rebuild: rebuildReadModels({ runEvents, rolloutEvents, snapshots, loop, runs, revisions }),
      runLink: pages.runLink,
    }).route('/', letIn.api),
    pages: pages.routes({ read, hosts: hostOf, waitsOf }),
    apiToken: config.apiToken,
    hosts: () => allowed,
    isReady: () => isReady,
    onError,
  });
  const { server, port } = await listen(app, config.listen);
  listensAt = `http://${config.listen.host}:${port}`;
  for (const name of [config.listen.host, '127.0.0.1', 'localhost']) allowed.add(`${name}:${port}`);
  // Some wait for people for months.
  const isUnderWay = (runId: string) => {
    const run = loop.driven(runId);
    return run !== undefined && run.outcome === undefined;
  };
  const jobs = await startJobs(
    database,
    [
      ...conversation.jobs(start),
      ...letIn.jobs,
      { name: 'drain-inbox', every: '5 seconds', run: async () => inbox.wake() },
      { name: 'redeliver-missed', every: '15 seconds', run: () => redeliverMissed(gitHosts.inUse.hosts(), onError) },
      { name: 'start-scheduled', every: '15 seconds', run: () => schedules.startDue() },
      { name: 'sweep-missed-events', every: '30 seconds', run: () => sweepMissed.sweepDue() },
      { name: 'expire-deliveries', every: '1 hour', run: () => inbox.expire() },
      { name: 'expire-shown', every: '1 hour', run: () => showChecks.expire() },
      { name: 'expire-logs', every: '1 hour', run: () => logs.expire(isUnderWay) },
      { name: 'expire-artifacts', every: '1 hour', run: () => expireArtifacts({ artifacts, revisions, loop }) },
      { name: 'sweep-uploads', every: '1 hour', run: () => artifacts.sweep(new Date(Date.now() - leftUploadMs)) },
    ],
    onError,
  );
  const unfollow = lease === undefined ? undefined : followReplicas({ loop, runs, inbox, onError });
  inbox.wake();
  letIn.begin();
  isReady = true;

  return {
    url: listensAt,
    loop,
    start,
    inbox,
    personLink: pages.personLink,
    audit: conversation.audit,
    shown: () => showChecks.idle(),
    async stop() {
      isReady = false;
      inbox.pause();
      budgets.stop();
      unfollow?.();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      scheduler.stop();
      createPods.stop();
      cluster.stop();
      rollOut.stop();
      conversation.stop();
      await showChecks.stop();
      await letIn.stop();
      await gitHosts.inUse.stop();
      await jobs.stop();
      await inbox.idle();
      await endpoint.stop();
      await listRuns.stop();
      await lease?.release();
      await close();
    },
  };
}
