import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultCluster, Part } from './fault-cluster.ts';
import type { FaultWorld } from './fault-world.ts';
import { middle } from './reference-run.ts';
import type { Strike, WriteKind } from './striker.ts';
import { judge, sum, type Verdict } from './verdict.ts';

const downMs = 5_000;
const frozenMs = 30_000;
/** Longer than the database's client waits for an answer. */
const silentMs = 25_000;
const load = { runs: 8, kills: 8 };
const shortLoad = { runs: 3, kills: 3 };
const killWithinMs = 8_000;
/** Writes between two at which the controller of a run is killed: it is back and at work before the next. */
const apart = 5;
const begunWithinMs = 60_000;
const clockMover = join(import.meta.dirname, 'moved-clock.ts');
const hourMs = 3_600_000;

export interface Outcome extends Verdict {
  /** How often the fault happened. */
  readonly faultCount: number;
  readonly runs: number;
}

export interface Scenario {
  /** By which it is chosen on the command line. */
  readonly id: string;
  /** What happens, in the words of the matrix. */
  readonly name: string;
  readonly clusters: readonly FaultCluster['name'][];
  run(world: FaultWorld, options: ScenarioOptions): Promise<Outcome>;
}

export interface ScenarioOptions {
  /** One run stands for all that it takes to strike at each write, and there is less load. */
  readonly isShort: boolean;
  /** Tells a person how far it is. */
  readonly say: (line: string) => void;
}

const both: Scenario['clusters'] = ['embedded', 'real'];

const kindNames: Readonly<Record<WriteKind, string>> = {
  commit: 'commit of events',
  cluster: 'write to the cluster',
  host: 'write to the Git host',
};

/** The only replica is killed at each write of a kind, of one run at every fifth, and started at once. */
function killAt(kind: WriteKind, when: Strike['when']): Scenario {
  return {
    id: `kill-${when}-${kind}`,
    name: `kill -9 ${when} each ${kindNames[kind]}`,
    clusters: both,
    async run(world, { isShort, say }) {
      const verdicts: Verdict[] = [];
      let faultCount = 0;
      for (const first of isShort ? [Math.ceil(apart / 2)] : Array.from({ length: apart }, (_, index) => index + 1)) {
        await world.run(1);
        const [replica] = world.replicas;
        world.striker.arm({ kind, when, first, apart }, async () => {
          await replica?.kill();
          replica?.start();
        });
        const sha = await world.push();
        const verdict = await judge(world, sha);
        const struck = world.striker.disarm();
        verdicts.push(verdict);
        faultCount += struck.length;
        say(`${struck.join(' | ')}${told(verdict)}`);
      }
      return outcomeOf(verdicts, faultCount);
    },
  };
}

/** One fault in the middle of one run. */
function inTheMiddle(facts: {
  readonly id: string;
  readonly name: string;
  readonly clusters: Scenario['clusters'];
  readonly replicas: 1 | 2;
  readonly environment?: (world: FaultWorld) => Readonly<Record<string, string>>;
  readonly act: (world: FaultWorld) => Promise<void>;
}): Scenario {
  const { id, name, clusters } = facts;
  return {
    id,
    name,
    clusters,
    async run(world, { say }) {
      if (facts.environment !== undefined) {
        for (const replica of world.replicas) await replica.kill();
        world.replicas[0]?.start(facts.environment(world));
      }
      await world.run(facts.replicas);
      await world.leader();
      const begun = world.recorder.next(({ what, stage }) => what === 'begin' && isMiddle(stage), begunWithinMs);
      const sha = await world.push();
      if (!(await begun)) throw new Error('The run did not come to its middle');
      await facts.act(world);
      const verdict = await judge(world, sha);
      if (facts.environment !== undefined) for (const replica of world.replicas) await replica.kill();
      say(`seen${told(verdict)}`);
      return outcomeOf([verdict], 1);
    },
  };
}

function outage(
  id: string,
  partName: string,
  clusters: Scenario['clusters'],
  { what = 'killed', lastsMs = downMs }: { readonly what?: string; readonly lastsMs?: number } = {},
): Scenario {
  return inTheMiddle({
    id: `outage-${id}`,
    name: `${partName} ${what}, back after ${lastsMs / 1_000} s`,
    clusters,
    replicas: 2,
    async act(world) {
      const part = partNamed(world, partName);
      await part.kill();
      try {
        await new Promise((resolve) => setTimeout(resolve, lastsMs));
      } finally {
        await part.start();
      }
    },
  });
}

function partNamed(world: FaultWorld, name: string): Part {
  const part = world.parts.find((each) => each.name === name);
  if (part === undefined) throw new Error(`There is no part ${name}`);
  return part;
}

const underLoad: Scenario = {
  id: 'random-kills',
  name: 'runs at once, one of two replicas killed -9 again and again',
  clusters: both,
  async run(world, { isShort, say }) {
    const { runs, kills } = isShort ? shortLoad : load;
    await world.run(2);
    await world.leader();
    const shas: string[] = [];
    // Each deploys to an environment of its own: the others' would be superseded, as they have to be.
    for (let run = 0; run < runs; run += 1) shas.push(await world.push(`load-${run}`));
    let faultCount = 0;
    for (; faultCount < kills; faultCount += 1) {
      const afterMs = Math.round(Math.random() * killWithinMs);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      const victim = world.replicas[Math.random() < 1 / 2 ? 0 : 1];
      say(`${victim?.settings.replica} after ${afterMs} ms`);
      await victim?.kill();
      victim?.start();
    }
    const verdicts: Verdict[] = [];
    for (const sha of shas) verdicts.push(await judge(world, sha));
    for (const verdict of verdicts) if (verdict.faults.length > 0) say(told(verdict));
    return outcomeOf(verdicts, faultCount);
  },
};

const podDeleted = inTheMiddle({
  id: 'pod-deleted',
  name: 'pods of two stages deleted by hand',
  clusters: both,
  replicas: 1,
  async act(world) {
    const { items } = await world.cluster.core.listPodForAllNamespaces({ labelSelector: 'slipway.dev/role=stage' });
    for (const { metadata } of items.slice(0, 2))
      await world.cluster.core.deleteNamespacedPod({
        name: metadata?.name ?? '',
        namespace: metadata?.namespace ?? '',
        gracePeriodSeconds: 0,
      });
  },
});

const namespaceDeleted = inTheMiddle({
  id: 'namespace-deleted',
  name: "the tenant's namespace deleted by hand",
  clusters: both,
  replicas: 1,
  async act(world) {
    const { items } = await world.cluster.core.listPodForAllNamespaces({ labelSelector: 'slipway.dev/role=stage' });
    const namespace = items[0]?.metadata?.namespace;
    if (namespace === undefined) throw new Error('No pod of a stage is there');
    await world.cluster.core.deleteNamespace({ name: namespace });
  },
});

const nodeDeleted = inTheMiddle({
  id: 'node-deleted',
  name: 'the node deleted by hand, its kubelet started again',
  clusters: ['real'],
  replicas: 1,
  async act(world) {
    const { items } = await world.cluster.core.listNode();
    for (const { metadata } of items) await world.cluster.core.deleteNode({ name: metadata?.name ?? '' });
    const kubelet = partNamed(world, 'kubelet');
    await kubelet.kill();
    // Started at once, it would be taken for the one that was killed, until that is reaped.
    await new Promise((resolve) => setTimeout(resolve, downMs));
    await kubelet.start();
  },
});

const frozen = inTheMiddle({
  id: 'frozen',
  name: `the leading replica frozen for ${frozenMs / 1_000} s, then waking with a lost lease`,
  clusters: both,
  replicas: 2,
  async act(world) {
    const leader = await world.leader();
    const before = leader.ownEnds.length;
    leader.signal('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, frozenMs));
    leader.signal('SIGCONT');
    for (let tries = 0; tries < 100 && leader.ownEnds.length === before; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    if (leader.ownEnds.length === before) throw new Error('The replica that lost its lease did not end');
  },
});

const clockSteps = inTheMiddle({
  id: 'clock-steps',
  name: "the replica's clock an hour ahead, then an hour behind, then right again",
  clusters: both,
  replicas: 1,
  environment(world) {
    const file = clockFile(world);
    writeFileSync(file, '0');
    return { NODE_OPTIONS: `--import ${clockMover}`, MOVED_CLOCK_FILE: file };
  },
  async act(world) {
    for (const offsetMs of [hourMs, -hourMs, 0]) {
      writeFileSync(clockFile(world), String(offsetMs));
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
  },
});

function clockFile(world: FaultWorld): string {
  return join(world.folder, 'clock');
}

function isMiddle(stage: string): boolean {
  return middle.some((name) => name === stage);
}

function outcomeOf(verdicts: readonly Verdict[], faultCount: number): Outcome {
  return {
    counts: sum(verdicts.map(({ counts }) => counts)),
    faults: verdicts.flatMap(({ faults }) => faults),
    faultCount,
    runs: verdicts.length,
  };
}

function told({ faults }: Verdict): string {
  return faults.length === 0 ? '' : `\n    ${faults.join('\n    ')}`;
}

/** All of them, in the order of the matrix. */
export const scenarios: readonly Scenario[] = [
  ...(['commit', 'cluster', 'host'] as const).flatMap((kind) => [killAt(kind, 'before'), killAt(kind, 'after')]),
  underLoad,
  outage('api', 'API server, with all of the cluster', ['embedded']),
  outage('api', 'kube-apiserver', ['real']),
  outage('etcd', 'etcd', ['real']),
  outage('containerd', 'containerd', ['real']),
  outage('kubelet', 'kubelet', ['real']),
  outage('database', 'database', both),
  outage('silent-database', 'database, its connections left open,', both, { what: 'stopped', lastsMs: silentMs }),
  outage('host', 'Git host', both),
  podDeleted,
  nodeDeleted,
  namespaceDeleted,
  frozen,
  clockSteps,
];
