import { randomBytes } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { defaultTenantSettings } from '../../../app/tenant-settings.ts';
import type { PlannedStage } from '../../../engine/core/pipeline.ts';
import { labels } from '../../../engine/kubernetes/names.ts';
import { podSpec } from '../../../engine/kubernetes/pod-spec.ts';
import { sixStages } from '../engine.ts';
import type { ApiClient, PodEvent } from './api-client.ts';

const namespace = 'bare-loop';
const role = 'bare';
const pods = `/api/v1/namespaces/${namespace}/pods`;
const inFlight = 64;
const settings = {
  agentEndpoint: '127.0.0.1:7301',
  agentImage: 'slipway/agent',
  tenant: defaultTenantSettings({ slots: { poolSlots: 1_000 } }),
};

/** What the least that could do the same needs. */
export interface BareTimes {
  /** From the first create to the last pod's end. */
  readonly allMs: number;
  /** From a stage's end to the next pod there, for each stage that had to wait. */
  readonly gapMs: readonly number[];
}

/**
 * Creates the same pods in the same order and keeps nothing: no state, no store, no agent, no check. A pod's phase is
 * all it goes by. Pods are left to be removed afterwards.
 */
export async function bareLoop(own: ApiClient, admin: ApiClient, runs: number): Promise<BareTimes> {
  await prepareNamespace(admin);
  const open = new Map(Array.from({ length: runs }, () => [name(), new Map<string, number>()]));
  const queue: (() => Promise<void>)[] = [];
  const gapMs: number[] = [];
  const endedAt = new Map<string, number>();
  const createdFor = new Map<string, number>();
  const allDone = Promise.withResolvers<void>();
  let active = 0;
  let left = runs * sixStages.length;

  const pump = () => {
    while (active < inFlight) {
      const next = queue.shift();
      if (next === undefined) return;
      active += 1;
      next()
        .catch(allDone.reject)
        .finally(() => {
          active -= 1;
          pump();
        });
    }
  };
  const create = (runId: string, stage: PlannedStage, since: number | undefined) => {
    const podName = `${runId}-${stage.name}`;
    if (since !== undefined) createdFor.set(podName, since);
    queue.push(async () => {
      await own.must('POST', pods, barePod(runId, stage, podName));
    });
    pump();
  };
  const watch = await admin.watchPods(`${labels.role}=${role}`, ({ type, object: { metadata, status } }: PodEvent) => {
    const runId = metadata.labels[labels.run] ?? '';
    const ended = open.get(runId);
    if (ended === undefined || type === 'DELETED') return;
    const since = createdFor.get(metadata.name);
    if (type === 'ADDED' && since !== undefined) gapMs.push(performance.now() - since);
    if (status.phase !== 'Succeeded' || endedAt.has(metadata.name)) return;
    const now = performance.now();
    endedAt.set(metadata.name, now);
    left -= 1;
    if (left === 0) allDone.resolve();
    ended.set(metadata.name.slice(runId.length + 1), now);
    for (const stage of sixStages) {
      const isNext = stage.needs.length > 0 && stage.needs.every((need) => ended.has(need));
      if (!isNext || createdFor.has(`${runId}-${stage.name}`)) continue;
      create(runId, stage, Math.max(...stage.needs.map((need) => ended.get(need) ?? 0)));
    }
  });
  const began = performance.now();
  for (const runId of open.keys()) {
    for (const stage of sixStages) if (stage.needs.length === 0) create(runId, stage, undefined);
  }
  await allDone.promise;
  const allMs = performance.now() - began;
  watch.stop();
  await removePods(admin);
  return { allMs, gapMs };
}

/** Pods that a loop of creates alone gets accepted in a second. */
export async function bareCreatesPerSecond(own: ApiClient, admin: ApiClient, count: number): Promise<number> {
  await prepareNamespace(admin);
  const [stage] = sixStages;
  if (stage === undefined) throw new RangeError('There are no stages');
  const began = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) {
        next += 1;
        const podName = name();
        await own.must('POST', pods, barePod(podName, stage, podName));
      }
    }),
  );
  const perSecond = (count * 1_000) / (performance.now() - began);
  await removePods(admin);
  return perSecond;
}

async function prepareNamespace(admin: ApiClient): Promise<void> {
  await admin.must(
    'POST',
    '/api/v1/namespaces',
    { metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
    [409],
  );
  const account = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
  while ((await admin.ask('GET', account)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Slipway's own pod, but for the label by which it knows its own. */
function barePod(runId: string, stage: PlannedStage, podName: string): V1Pod {
  const { image, resources, timeoutMs } = stage;
  const pod = podSpec(
    {
      runId,
      stage: stage.name,
      attempt: 1,
      tenant: namespace,
      lane: 'main',
      pool: 'default',
      podName,
      image,
      resources,
      timeoutMs,
    },
    settings,
  );
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata?.labels, [labels.role]: role } } };
}

async function removePods(admin: ApiClient): Promise<void> {
  await admin.must('DELETE', `${pods}?gracePeriodSeconds=0`);
}

function name(): string {
  return `bare${randomBytes(6).toString('hex')}`;
}
