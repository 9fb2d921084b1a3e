import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { freePort } from '../../../app/embedded/free-port.ts';
import { runIdOf } from '../../../app/intake/start-run.ts';
import { labels, annotations as stagePods } from '../../../engine/kubernetes/names.ts';
import { tenantNamespace } from '../../../engine/kubernetes/namespace.ts';
import type { PodEvent } from './api-client.ts';
import type { Fact } from './controller.ts';
import { FakeAgents } from './fake-agents.ts';
import type { CountedCluster } from './fake-cluster.ts';
import { type PreparedCommit, PreparedHost } from './prepared-host.ts';
import { PreparedSource } from './prepared-source.ts';
import { Replica } from './replica.ts';

const branch = 'main';
const namespace = tenantNamespace('slipway', 'github:1');

/** What the stages do is played. */
export const sixStages = `on: { push: {} }
stages:
  a: { commands: [make] }
  b1: { needs: [a], commands: [make] }
  b2: { needs: [a], commands: [make] }
  b3: { needs: [a], commands: [make] }
  b4: { needs: [a], commands: [make] }
  c: { needs: [b1, b2, b3, b4], commands: [make] }
`;
const needs: Readonly<Record<string, readonly string[]>> = {
  b1: ['a'],
  b2: ['a'],
  b3: ['a'],
  b4: ['a'],
  c: ['b1', 'b2', 'b3', 'b4'],
};

const stageSchema = z.looseObject({ log: z.looseObject({ sha256: z.string() }).optional() });
const runSchema = z.object({ run: z.looseObject({ lane: z.string(), stages: z.record(z.string(), stageSchema) }) });
const historySchema = z.array(
  z.looseObject({
    events: z.array(z.looseObject({ type: z.string(), at: z.string().optional(), stage: z.string().optional() })),
  }),
);

/** What happened, all by this machine's clock in milliseconds. */
export interface Seen {
  readonly granted: Map<string, number>;
  readonly issued: Map<string, number>;
  readonly accepted: Map<string, number>;
  readonly ended: Map<string, { readonly outcome: string; readonly at: number }>;
  /** Pods as the cluster told of them, by name: run, stage, and when. */
  readonly podAdded: Map<string, { readonly runId: string; readonly stage: string; readonly at: number }>;
  /** When commands began and when their end was reported, by `run/stage`. */
  readonly begun: Map<string, number>;
  readonly reported: Map<string, number>;
  readonly failed: string[];
}

export interface BedOptions {
  readonly replicas?: number;
  /** The database of the replicas; without it there is one replica, with its own. */
  readonly mongodb?: string;
  /** What real pods need; without it their agents are played. */
  readonly pods?: {
    /** Of this machine, as pods reach it. */
    readonly address: string;
    readonly agentImage: string;
    readonly images: Readonly<Record<string, string>>;
  };
}

/** A Slipway under load: its controller is a process, its Git host answers from memory, and on fake nodes its agents are played. */
export class Bed {
  readonly host: PreparedHost;
  readonly seen: Seen = {
    granted: new Map(),
    issued: new Map(),
    accepted: new Map(),
    ended: new Map(),
    podAdded: new Map(),
    begun: new Map(),
    reported: new Map(),
    failed: [],
  };
  readonly agents: FakeAgents;
  readonly replicas: readonly Replica[];
  /** Log lines of the controllers. */
  readonly log: unknown[] = [];
  readonly #cluster: CountedCluster;
  /** That are there. */
  readonly #pods = new Set<string>();
  readonly #waiting = new Set<() => void>();
  readonly #arePlayed: boolean;
  #watch: { stop(): void } | undefined;

  private constructor(
    cluster: CountedCluster,
    host: PreparedHost,
    folder: string,
    ports: { readonly web: readonly number[]; readonly agents: readonly number[] },
    { mongodb, pods }: BedOptions,
  ) {
    this.#cluster = cluster;
    this.#arePlayed = pods === undefined;
    this.host = host;
    const tokens = join(folder, 'tokens');
    mkdirSync(tokens, { mode: 0o700 });
    this.agents = new FakeAgents({
      admin: cluster.admin,
      folder: tokens,
      port: ports.agents[0] ?? 0,
      onBegin: ({ runId, stage, at }) => {
        this.seen.begun.set(`${runId}/${stage}`, at);
        this.#wake();
      },
      onReport: ({ runId, stage, at }) => this.seen.reported.set(`${runId}/${stage}`, at),
    });
    this.replicas = ports.web.map((port, index) => {
      const dataDir = join(folder, `replica-${index}`);
      mkdirSync(dataDir);
      return new Replica(
        {
          dataDir,
          replica: `bench-${index}`,
          port,
          agentPort: ports.agents[index] ?? 0,
          agentAddress: pods?.address ?? '127.0.0.1',
          agentImage: pods?.agentImage ?? 'slipway/agent',
          images: pods?.images ?? {},
          ...(mongodb === undefined ? {} : { mongodb }),
          kubeconfig: cluster.kubeconfig,
          github: { appId: 1, privateKey: String(host.privateKey), secret: host.secret, baseUrl: host.apiUrl },
        },
        (fact) => this.#told(fact),
        (line) => this.log.push(line),
      );
    });
  }

  static async start(
    cluster: CountedCluster,
    folder: string,
    pipeline: string,
    options: BedOptions = {},
  ): Promise<Bed> {
    const { pods } = options;
    const host = await PreparedHost.start(
      pipeline,
      pods === undefined ? {} : { source: new PreparedSource(folder), address: pods.address },
    );
    const ports = { web: [] as number[], agents: [] as number[] };
    for (let index = 0; index < (options.replicas ?? 1); index += 1) {
      ports.web.push(await freePort());
      ports.agents.push(await freePort());
    }
    const bed = new Bed(cluster, host, folder, ports, options);
    bed.#watch = await cluster.admin.watchPods(`${labels.role}=stage`, (event) => bed.#pod(event));
    return bed;
  }

  /** The one replica there is. */
  get only(): Replica {
    const [replica] = this.replicas;
    if (replica === undefined) throw new RangeError('There is no replica');
    return replica;
  }

  commits(count: number, on = branch): readonly PreparedCommit[] {
    return this.host.commits(count, on);
  }

  /** @returns the run that a commit's delivery becomes */
  runOf({ deliveryId }: PreparedCommit): string {
    return runIdOf(`github:${deliveryId}`);
  }

  /** What Slipway says of a commit's run. */
  async run(url: string, commit: PreparedCommit): Promise<z.infer<typeof runSchema>['run']> {
    return runSchema.parse(JSON.parse(await this.#ask(url, this.runOf(commit)))).run;
  }

  /** When the agent said that a stage's commands start. */
  async startedAt(url: string, commit: PreparedCommit, stage: string): Promise<number> {
    const commits = historySchema.parse(JSON.parse(await this.#ask(url, `${this.runOf(commit)}/events`)));
    const started = commits
      .flatMap(({ events }) => events)
      .find((event) => event.type === 'StageStarted' && event.stage === stage);
    return Date.parse(started?.at ?? '');
  }

  /** A stage's log as Slipway has it, and the hash of what its agent sent. */
  async logOf(
    url: string,
    commit: PreparedCommit,
    stage: string,
  ): Promise<{ readonly text: string; readonly sha256: string }> {
    const runId = this.runOf(commit);
    const state = (await this.run(url, commit)).stages[stage];
    return { text: await this.#ask(url, `${runId}/logs/${stage}`), sha256: state?.log?.sha256 ?? '' };
  }

  async #ask(url: string, path: string): Promise<string> {
    const response = await fetch(`${url}/api/runs/${path}`, {
      headers: { authorization: `Bearer ${this.host.secret}` },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${text.slice(0, 300)}`);
    return text;
  }

  /** One run from its delivery to its end, so that nothing is done for the first time later. */
  async warmUp(url: string): Promise<void> {
    await this.runAll(url, this.commits(1), { withinMs: 60_000 });
  }

  /** @throws Error when it is not so in time */
  async until(isSo: () => boolean, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!isSo()) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) {
        const { granted, issued, accepted, ended, reported, failed, podAdded } = this.seen;
        throw new Error(
          `Not so in time: ${granted.size} granted, ${issued.size} issued, ${accepted.size} accepted, ${podAdded.size} pods, ${reported.size} reported, ${ended.size} runs ended, failed: ${failed.slice(0, 5).join('; ')}, log: ${JSON.stringify(this.log.slice(-5))}`,
        );
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, Math.min(leftMs, 1_000));
        this.#waiting.add(wake);
      });
    }
  }

  /** When the first pod of the commits' runs was there. */
  firstPodOf(commits: readonly PreparedCommit[]): number | undefined {
    const ids = new Set(commits.map((commit) => this.runOf(commit)));
    const times = [...this.seen.podAdded.values()].filter(({ runId }) => ids.has(runId)).map(({ at }) => at);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** From a stage's end reported to the next pod there, for each stage that had to wait for others. */
  gaps(): readonly number[] {
    return [...this.seen.podAdded.values()].flatMap(({ runId, stage, at }) => {
      const ends = (needs[stage] ?? []).map((need) => this.seen.reported.get(`${runId}/${need}`) ?? Number.NaN);
      return ends.length === 0 ? [] : [at - Math.max(...ends)];
    });
  }

  /** What each gap consists of: to the slot granted, to the create issued, to its answer, all from the one before. */
  gapParts(): { readonly granted: number[]; readonly issued: number[]; readonly accepted: number[] } {
    const parts = { granted: [] as number[], issued: [] as number[], accepted: [] as number[] };
    for (const [podName, { runId, stage }] of this.seen.podAdded) {
      const ends = (needs[stage] ?? []).map((need) => this.seen.reported.get(`${runId}/${need}`) ?? Number.NaN);
      const [granted, issued, accepted] = [this.seen.granted, this.seen.issued, this.seen.accepted].map((times) =>
        times.get(podName),
      );
      if (ends.length === 0 || granted === undefined || issued === undefined || accepted === undefined) continue;
      parts.granted.push(granted - Math.max(...ends));
      parts.issued.push(issued - granted);
      parts.accepted.push(accepted - issued);
    }
    return parts;
  }

  /** From the later of dependencies met and slot granted to the create that was issued. */
  issueDelays(): readonly number[] {
    return [...this.seen.issued].flatMap(([podName, at]) => {
      const granted = this.seen.granted.get(podName);
      return granted === undefined ? [] : [at - granted];
    });
  }

  /**
   * Announces these commits, evenly within that time.
   * @returns milliseconds from the first delivery until the last of their runs is recorded as done
   * @throws Error when one does not succeed, or not in time
   */
  async runAll(
    url: string,
    commits: readonly PreparedCommit[],
    options: { readonly spreadMs?: number; readonly withinMs?: number } = {},
  ): Promise<number> {
    const { spreadMs = 0, withinMs = 300_000 } = options;
    const began = Date.now();
    await Promise.all(
      commits.map(async (commit, index) => {
        const dueMs = (spreadMs * index) / commits.length;
        if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
        await this.host.deliver(url, commit);
      }),
    );
    return (await this.succeeded(commits, withinMs)) - began;
  }

  /** @returns when the last of these commits' runs ended. @throws Error when one does not succeed, or not in time */
  async succeeded(commits: readonly PreparedCommit[], withinMs: number): Promise<number> {
    const ids = commits.map((commit) => this.runOf(commit));
    const { ended, failed } = this.seen;
    await this.until(() => ended.size >= ids.length && ids.every((id) => ended.has(id)), withinMs);
    const others = ids.filter((id) => ended.get(id)?.outcome !== 'SUCCEEDED');
    if (others.length > 0) throw new Error(`${others.length} runs did not succeed: ${failed.slice(0, 5).join('; ')}`);
    return Math.max(...ids.map((id) => ended.get(id)?.at ?? 0));
  }

  /** What was seen so far does not count any more. */
  forget(): void {
    const { granted, issued, accepted, ended, podAdded, begun, reported } = this.seen;
    for (const each of [granted, issued, accepted, ended, podAdded, begun, reported]) each.clear();
  }

  /** Until Slipway has removed every pod that it made. */
  async podsGone(): Promise<void> {
    await this.until(() => this.#pods.size === 0, 120_000);
  }

  async stop(): Promise<void> {
    this.agents.stop();
    this.#watch?.stop();
    for (const replica of this.replicas) await replica.kill('SIGTERM');
    this.host.stop();
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    await this.#cluster.admin.must('DELETE', `${pods}?gracePeriodSeconds=0`);
  }

  #pod({ type, object }: PodEvent): void {
    const { name, labels: own, annotations } = object.metadata;
    if (type === 'DELETED') {
      this.agents.forget(object);
      this.#pods.delete(name);
      this.#wake();
      return;
    }
    if (object.metadata.namespace !== namespace) return;
    if (!this.#pods.has(name)) {
      this.#pods.add(name);
      this.seen.podAdded.set(name, {
        runId: own[labels.run] ?? '',
        stage: annotations[stagePods.stage] ?? '',
        at: Date.now(),
      });
      this.#wake();
    }
    if (this.#arePlayed && object.status.phase === 'Running' && object.metadata.deletionTimestamp === undefined)
      this.agents.play(object);
  }

  #told(fact: Fact): void {
    switch (fact.type) {
      case 'granted':
        this.seen.granted.set(fact.podName, fact.at);
        break;
      case 'issued':
        if (!this.seen.issued.has(fact.podName)) this.seen.issued.set(fact.podName, fact.at);
        break;
      case 'accepted':
        this.seen.accepted.set(fact.podName, fact.at);
        break;
      case 'ended':
        this.seen.ended.set(fact.runId, { outcome: fact.outcome, at: fact.at });
        break;
      case 'stage-failed':
        this.seen.failed.push(`${fact.runId}/${fact.stage}: ${fact.why}`);
        break;
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
