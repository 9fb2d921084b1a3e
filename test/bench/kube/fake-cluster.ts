import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { ApiClient } from './api-client.ts';

const scripts = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'kube');
const home = process.env['KUBE_HOME'] ?? '/var/lib/kube-local';
const namespace = 'slipway-bench';
const nodes = 100;
const realNode = 'local';
const tokenSeconds = 86_400;
const flowSchema = 'slipway-bench-writes';
const countedWrites = new RegExp(
  `^apiserver_flowcontrol_(dispatched|rejected)_requests_total\\{flow_schema="${flowSchema}"`,
);
const tokenAnswer = z.object({ status: z.object({ token: z.string() }) });

/** As the chart grants it. */
const rules = [
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'create', 'patch'] },
  { apiGroups: ['scheduling.k8s.io'], resources: ['priorityclasses'], verbs: ['get', 'create', 'patch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'create', 'delete'] },
  { apiGroups: [''], resources: ['services', 'resourcequotas', 'limitranges', 'serviceaccounts'], verbs: ['*'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'] },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['*'] },
];

/** A cluster whose API server counts what one identity writes. */
export interface CountedCluster {
  /** As its administrator. */
  readonly admin: ApiClient;
  /** Of Slipway's own identity, whose writes are counted. */
  readonly kubeconfig: string;
  /** As Slipway's identity: what the floor is measured with. */
  readonly own: ApiClient;
  /** Leaves the real node to others, with none that is played beside it. */
  leave(): Promise<void>;
  /** Writes of that identity so far, by the API server's own count: refused ones too. */
  writes(): Promise<number>;
}

/** An API server, its controllers and its scheduler, with nodes that are played. They stay up when the benchmark ends. */
export async function startFakeCluster(): Promise<CountedCluster> {
  run('up', 'api');
  run('nodes', String(nodes));
  const cluster = await countedCluster(adminConfig());
  await useRealNode(cluster.admin, false);
  return cluster;
}

/** The whole real node. */
export async function startRealNode(): Promise<CountedCluster> {
  run('up');
  const cluster = await countedCluster(adminConfig());
  await leaveFakeNodes(cluster.admin);
  return cluster;
}

/** The nodes of both kinds would share the pods: a real one that runs takes none while there are fake ones. */
async function useRealNode(admin: ApiClient, isUsed: boolean): Promise<void> {
  const change = { spec: { unschedulable: !isUsed } };
  await admin.must('PATCH', `/api/v1/nodes/${realNode}`, change, [404]);
}

async function leaveFakeNodes(admin: ApiClient): Promise<void> {
  await admin.must('DELETE', '/api/v1/nodes?labelSelector=type%3Dkwok');
  await useRealNode(admin, true);
}

function run(script: string, ...words: readonly string[]): void {
  const path = join(scripts, script);
  if (!existsSync(path)) throw new Error('The scripts for a real cluster are not beside this checkout');
  execFileSync(path, [...words], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function adminConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(join(home, 'kubeconfig'));
  return config;
}

async function countedCluster(config: KubeConfig): Promise<CountedCluster> {
  const admin = new ApiClient(config);
  const name = namespace;
  const there = [409];
  await admin.must('POST', '/api/v1/namespaces', { metadata: { name } }, there);
  await admin.must('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name } }, there);
  const access = '/apis/rbac.authorization.k8s.io/v1';
  await admin.must('DELETE', `${access}/clusterroles/${name}`, undefined, [404]);
  await admin.must('POST', `${access}/clusterroles`, { metadata: { name }, rules });
  await admin.must(
    'POST',
    `${access}/clusterrolebindings`,
    {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
    there,
  );
  await admin.must('POST', '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', countedFlow(), there);
  const answer = await admin.must('POST', `/api/v1/namespaces/${name}/serviceaccounts/${name}/token`, {
    spec: { expirationSeconds: tokenSeconds },
  });
  const { token } = tokenAnswer.parse(JSON.parse(answer)).status;
  const own = new KubeConfig();
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('The kubeconfig names no cluster');
  own.loadFromClusterAndUser(cluster, { name, token });
  return {
    admin,
    own: new ApiClient(own),
    kubeconfig: own.exportConfig(),
    leave: () => leaveFakeNodes(admin),
    async writes() {
      const metrics = await admin.must('GET', '/metrics');
      // Events too: its flow holds every kind there is. What Priority and Fairness turned away was asked for all the same.
      return metrics
        .split('\n')
        .filter((line) => countedWrites.test(line))
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
  };
}

/** Priority and Fairness as any service account gets it, and a count of its own for the writes of one. */
function countedFlow() {
  const all = {
    apiGroups: ['*'],
    resources: ['*'],
    verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
  };
  return {
    metadata: { name: flowSchema },
    spec: {
      matchingPrecedence: 100,
      priorityLevelConfiguration: { name: 'workload-low' },
      distinguisherMethod: { type: 'ByUser' },
      rules: [
        {
          subjects: [{ kind: 'ServiceAccount', serviceAccount: { name: namespace, namespace } }],
          resourceRules: [{ ...all, clusterScope: true, namespaces: ['*'] }],
        },
      ],
    },
  };
}
