import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { FaultWorld } from './fault-world.ts';
import type { Said } from './recorder.ts';
import { linesPerStage, stages, working } from './reference-run.ts';

/** What must never happen, counted. */
export interface Counts {
  readonly lost: number;
  readonly startedTwice: number;
  readonly twoLive: number;
  readonly runAgain: number;
  readonly podsLeaked: number;
  readonly checksOpen: number;
  readonly logsBroken: number;
}

const nothing: Counts = {
  lost: 0,
  startedTwice: 0,
  twoLive: 0,
  runAgain: 0,
  podsLeaked: 0,
  checksOpen: 0,
  logsBroken: 0,
};

export interface Verdict {
  readonly counts: Counts;
  /** What of it is not zero, with the facts. */
  readonly faults: readonly string[];
}

const endsWithinMs = 180_000;
const settlesWithinMs = 45_000;

const summaries = z.array(
  z.object({ runId: z.string(), headSha: z.string(), status: z.string(), hasEnded: z.boolean(), stages: z.unknown() }),
);
const commits = z.array(
  z.object({
    events: z.array(
      z.object({
        type: z.string(),
        stage: z.string().optional(),
        attempt: z.number().optional(),
        cause: z.unknown().optional(),
        log: z.object({ lines: z.number(), sha256: z.string() }).optional(),
      }),
    ),
  }),
);
const checkRuns = z.object({
  check_runs: z.array(z.object({ name: z.string(), status: z.string(), conclusion: z.string().nullable() })),
});
type Happened = z.infer<typeof commits>[number]['events'];

/** Waits for the run of a commit to end, then looks what became of it and around it. */
export async function judge(world: FaultWorld, sha: string): Promise<Verdict> {
  const run = await until(endsWithinMs, async () => {
    const found = summaries.safeParse(await world.get('/runs?limit=200')).data?.find(({ headSha }) => headSha === sha);
    return found?.hasEnded === true ? found : undefined;
  });
  if (run?.status !== 'SUCCEEDED') {
    const state = run ?? summaries.safeParse(await world.get('/runs?limit=200')).data?.find((it) => it.headSha === sha);
    const events = state === undefined ? undefined : await happened(world, state.runId);
    const causes = events?.flatMap(({ stage, cause }) => (cause === undefined ? [] : [{ stage, cause }]));
    const pods = state === undefined ? [] : await podsInDetail(world, state.runId);
    return {
      counts: { ...nothing, lost: 1 },
      faults: [[`lost: ${sha.slice(0, 7)} ${JSON.stringify(state)} ${JSON.stringify(causes)}`, ...pods].join('\n')],
    };
  }
  const { runId } = run;
  const events = (await until(settlesWithinMs, () => happened(world, runId))) ?? [];
  const said = world.recorder.said.filter(({ run: of }) => of === runId);
  const faults: string[] = [];
  const count = (name: string, found: readonly string[]) => {
    faults.push(...found.map((each) => `${name} in run ${runId}: ${each}`));
    return found.length;
  };
  const counts = {
    lost: 0,
    startedTwice: count('started twice', startedTwice(said)),
    twoLive: count('two live attempts', twoLive(said)),
    runAgain: count('run again after success', runAgain(said, events)),
    podsLeaked: count('pod leaked', await settled(() => podsOf(world, runId))),
    checksOpen: count('check open', await settled(() => openChecks(world, sha))),
    logsBroken: count('log broken', await settled(() => brokenLogs(world, runId, events))),
  };
  return { counts, faults };
}

export function sum(all: readonly Counts[]): Counts {
  const total = { ...nothing };
  for (const counts of all)
    for (const key of Object.keys(total) as (keyof Counts)[]) Object.assign(total, { [key]: total[key] + counts[key] });
  return total;
}

async function happened(world: FaultWorld, runId: string): Promise<Happened | undefined> {
  return commits.safeParse(await world.get(`/runs/${runId}/events`)).data?.flatMap(({ events }) => events);
}

/** @param said what the commands of one run said, in order */
export function startedTwice(said: readonly Said[]): string[] {
  const begins = said.filter(({ what }) => what === 'begin').map(({ stage, attempt }) => `${stage} attempt ${attempt}`);
  return begins.filter((begin, index) => begins.indexOf(begin) !== index);
}

/** An attempt that still speaks after a later one of its stage began. */
export function twoLive(said: readonly Said[]): string[] {
  const newest = new Map<string, number>();
  const found = new Set<string>();
  for (const { stage, attempt } of said) {
    if (attempt < (newest.get(stage) ?? 0)) found.add(`${stage} attempt ${attempt} beside ${newest.get(stage)}`);
    newest.set(stage, Math.max(attempt, newest.get(stage) ?? 0));
  }
  return [...found];
}

export function runAgain(said: readonly Said[], events: Happened): string[] {
  return stages.flatMap((stage) => {
    const success = events.findIndex((event) => event.type === 'StageSucceeded' && event.stage === stage);
    const attempt = events[success]?.attempt ?? Number.POSITIVE_INFINITY;
    const later = events.slice(success + 1).some((event) => event.type === 'StageScheduled' && event.stage === stage);
    const began = said.some((each) => each.stage === stage && each.attempt > attempt);
    return later || began ? [stage] : [];
  });
}

async function podsOf(world: FaultWorld, runId: string): Promise<string[]> {
  const { items } = await world.cluster.core.listPodForAllNamespaces({ labelSelector: `slipway.dev/run=${runId}` });
  return items.map(({ metadata }) => metadata?.name ?? '');
}

/** Of the pods that are left of a run: how they stand, and what their agents said last. */
async function podsInDetail(world: FaultWorld, runId: string): Promise<string[]> {
  const { core } = world.cluster;
  const { items } = await core.listPodForAllNamespaces({ labelSelector: `slipway.dev/run=${runId}` });
  const agentLog = (name: string, namespace: string) =>
    core
      .readNamespacedPodLog({ name, namespace, container: 'agent', tailLines: 20 })
      .catch((error: unknown) => String(error));
  return Promise.all(
    items.map(async ({ metadata: { name = '', namespace = '' } = {}, status }) =>
      [`  ${name} ${JSON.stringify(status?.containerStatuses)}`, await agentLog(name, namespace)].join('\n'),
    ),
  );
}

/** Every stage is shown once, as passed, and nothing else is. */
async function openChecks(world: FaultWorld, sha: string): Promise<string[]> {
  const { check_runs } = checkRuns.parse(await world.checks(sha));
  const twice = stages.filter((stage) => check_runs.filter(({ name }) => name === `slipway / ${stage}`).length !== 1);
  return [
    ...check_runs
      .filter(({ status, conclusion }) => status !== 'completed' || conclusion !== 'success')
      .map(({ name, status, conclusion }) => `${name} is ${conclusion ?? status}`),
    ...twice.map((stage) => `${stage} is shown not exactly once`),
  ];
}

/** The log that is kept has every line the commands printed, and the hash that the agent made of it. */
async function brokenLogs(world: FaultWorld, runId: string, events: Happened): Promise<string[]> {
  const broken: string[] = [];
  for (const stage of working) {
    const success = events.find((event) => event.type === 'StageSucceeded' && event.stage === stage);
    const text = await world.text(`/runs/${runId}/logs/${stage}?attempt=${success?.attempt ?? 1}`);
    const printed = text?.split('\n').filter((line) => line.startsWith('line ')) ?? [];
    const isWhole = printed.length === linesPerStage && printed.every((line, index) => line === `line ${index}`);
    const hash = createHash('sha256')
      .update(text ?? '')
      .digest('hex');
    if (!isWhole || hash !== success?.log?.sha256) broken.push(`${stage}: ${printed.length} of ${linesPerStage} lines`);
  }
  return broken;
}

/** Looks until nothing is found any more. @returns what is still found when the time is up */
async function settled(look: () => Promise<string[]>): Promise<string[]> {
  let found: string[] = [];
  await until(settlesWithinMs, async () => {
    found = await look().catch((error: unknown) => [`cannot be seen: ${String(error)}`]);
    return found.length === 0 ? true : undefined;
  });
  return found;
}

async function until<T>(withinMs: number, look: () => Promise<T | undefined>): Promise<T | undefined> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || Date.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
