import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultCluster, Part } from './fault-cluster.ts';
import type { FaultWorld } from './fault-world.ts';
import { middle } from './reference-run.ts';
import type { Strike, WriteKind } from './striker.ts';
import { judge, sum, type Verdict } from './verdict.ts';

const downMs = 5_000;
const frozenMs = 30_000;
const loadRuns = 8;
const loadKills = 8;
const killEveryMs = 4_000;
const begunWithinMs = 60_000;
const clockLibrary = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';

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
  /** Why it cannot be done on this machine. */
  readonly missing?: string;
  /**
   * @param options.every of the points at which it can strike, every how many it does
   * @param options.say tells a person how far it is
   */
  run(world: FaultWorld, options: { readonly every: number; readonly say: (line: string) => void }): Promise<Outcome>;
}

const both: Scenario['clusters'] = ['embedded', 'real'];

const kindNames: Readonly<Record<WriteKind, string>> = {
  commit: 'commit of events',
  cluster: 'write to the cluster',
  host: 'write to the Git host',
};

/** The only replica is killed at each write of a kind, one run for each, and started at once. */
function killAt(kind: WriteKind, when: Strike['when']): Scenario {
  return {
    id: `kill-${when}-${kind}`,
    name: `kill -9 ${when} each ${kindNames[kind]}`,
    clusters: both,
    async run(world, { every, say }) {
      const verdicts: Verdict[] = [];
      let faultCount = 0;
      for (let nth = 1; ; nth += every) {
        await world.run(1);
        const [replica] = world.replicas;
        world.striker.arm({ kind, nth, when }, async () => {
          await replica?.kill();
          replica?.start();
        });
        const sha = await world.push();
        const verdict = await judge(world, sha);
        const struck = world.striker.disarm();
        verdicts.push(verdict);
        if (struck !== undefined) faultCount += 1;
        say(`${nth}: ${struck ?? 'no such write any more'}${told(verdict)}`);
        if (struck === undefined) return outcomeOf(verdicts, faultCount);
      }
    },
  };
}

/** One fault in the middle of one run. */
function inTheMiddle(facts: {
  readonly id: string;
  readonly name: string;
  readonly clusters: Scenario['clusters'];
  readonly replicas: 1 | 2;
  readonly missing?: string;
  readonly environment?: (world: FaultWorld) => Readonly<Record<string, string>>;
  readonly act: (world: FaultWorld) => Promise<void>;
}): Scenario {
  const { id, name, clusters, missing } = facts;
  return {
    id,
    name,
    clusters,
    ...(missing === undefined ? {} : { missing }),
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

function outage(partName: string, clusters: Scenario['clusters']): Scenario {
  return inTheMiddle({
    id: `outage-${partName.toLowerCase().split(/[ ,]/)[0]?.replace('kube-', '') ?? ''}`,
    name: `${partName} killed, back after ${downMs / 1_000} s`,
    clusters,
    replicas: 2,
    async act(world) {
      const part = partNamed(world, partName);
      await part.kill();
      await new Promise((resolve) => setTimeout(resolve, downMs));
      await part.start();
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
  name: `${loadRuns} runs at once, ${loadKills} times one of two replicas killed -9`,
  clusters: both,
  async run(world, { say }) {
    await world.run(2);
    await world.leader();
    const shas: string[] = [];
    for (let run = 0; run < loadRuns; run += 1) shas.push(await world.push());
    let faultCount = 0;
    for (; faultCount < loadKills; faultCount += 1) {
      await new Promise((resolve) => setTimeout(resolve, killEveryMs));
      // The one that leads, and every third time the other: a fixed order, so that it can be seen again.
      const leader = await world.leader();
      const victim = faultCount % 3 === 2 ? world.replicas.find((each) => each !== leader) : leader;
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
    await new Promise((resolve) => setTimeout(resolve, downMs));
    const kubelet = partNamed(world, 'kubelet');
    await kubelet.kill();
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
  name: "the replica's clock an hour ahead, then an hour behind",
  clusters: both,
  replicas: 1,
  ...(existsSync(clockLibrary) ? {} : { missing: 'libfaketime is not installed' }),
  environment(world) {
    const file = clockFile(world);
    writeFileSync(file, '+0');
    return {
      LD_PRELOAD: clockLibrary,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  },
  async act(world) {
    for (const offset of ['+3600', '-3600']) {
      writeFileSync(clockFile(world), offset);
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
  outage('API server, with all of the cluster', ['embedded']),
  outage('kube-apiserver', ['real']),
  outage('etcd', ['real']),
  outage('containerd', ['real']),
  outage('kubelet', ['real']),
  outage('database', both),
  outage('Git host', both),
  podDeleted,
  nodeDeleted,
  namespaceDeleted,
  frozen,
  clockSteps,
];
