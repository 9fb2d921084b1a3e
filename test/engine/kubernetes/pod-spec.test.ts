import { expect, it } from 'vitest';
import { readTenantSettings } from '../../../app/tenant-settings.ts';
import { type PodSettings, podSpec } from '../../../engine/kubernetes/pod-spec.ts';
import type { AttemptPod } from '../../../engine/ports/pod-runner.ts';

const pod: AttemptPod = {
  runId: 'r1',
  stage: 'Unit tests (node)',
  attempt: 2,
  tenant: 'github:1',
  podName: 'run-r1-unit-tests-2-abc',
  image: 'node:24',
  lane: 'feature',
  pool: 'default',
  resources: { cpuMillicores: 500, memoryBytes: 2 ** 30 },
  timeoutMs: 600_000,
};

function specOf(settings = '', facts: Partial<AttemptPod> = {}, more: Partial<PodSettings> = {}) {
  const { metadata, spec } = podSpec(
    { ...pod, ...facts },
    {
      agentEndpoint: 'slipway-agents.slipway-system.svc.cluster.local:7301',
      agentImage: 'slipway:1',
      tenant: readTenantSettings(settings, { path: '', images: {}, poolSlots: 40 }),
      ...more,
    },
  );
  const [agent, stage] = spec?.containers ?? [];
  if (spec === undefined || agent === undefined || stage === undefined) throw new Error('The pod has no containers');
  const variablesOf = (of: typeof agent) => Object.fromEntries((of.env ?? []).map(({ name, value }) => [name, value]));
  return { metadata, spec, agent, stage, variablesOf };
}

it('ends by itself some time after its stage should have, and never starts again', () => {
  const { spec } = specOf();
  expect(spec.restartPolicy).toBe('Never');
  expect(spec.activeDeadlineSeconds).toBeGreaterThan(600);
  expect(spec.activeDeadlineSeconds).toBeLessThanOrEqual(600 + 900);
});

it('stays with a node that is silent for a minute, not for the five that are usual', () => {
  const { tolerations = [] } = specOf().spec;
  expect(tolerations.map(({ key, effect, tolerationSeconds }) => [key, effect, tolerationSeconds])).toEqual([
    ['node.kubernetes.io/not-ready', 'NoExecute', 60],
    ['node.kubernetes.io/unreachable', 'NoExecute', 60],
  ]);
});

it('looks names with a dot up as they are', () => {
  expect(specOf().spec.dnsConfig).toEqual({ options: [{ name: 'ndots', value: '1' }] });
  expect(specOf('defaults: { ndots: 3 }').spec.dnsConfig?.options).toEqual([{ name: 'ndots', value: '3' }]);
});

it('has no init container, no volume that outlives it, and no token that the API server takes', () => {
  const { spec } = specOf();
  expect(spec.initContainers ?? []).toEqual([]);
  expect(spec.automountServiceAccountToken).toBe(false);
  const kinds = (spec.volumes ?? []).map(({ name: _, ...kind }) => Object.keys(kind)[0]);
  expect(new Set(kinds)).toEqual(new Set(['emptyDir', 'projected']));
  const sources = (spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  expect(sources.map(({ serviceAccountToken }) => serviceAccountToken?.audience)).toEqual(['slipway']);
});

it('holds the agent’s folder and token out of the commands’ reach', () => {
  const { agent, stage } = specOf();
  const mounts = (of: typeof agent) => (of.volumeMounts ?? []).map(({ name }) => name);
  expect(mounts(stage)).not.toContain('token');
  expect(mounts(stage)).not.toContain('agent-home');
  expect(mounts(agent)).toEqual(expect.arrayContaining(['token', 'agent-home']));
});

it('is as small however long the commands are: they reach it over the agent’s connection', () => {
  // An argument of more than 128 KiB starts no process, and an object of more than 1.5 MiB is not kept.
  expect(JSON.stringify(specOf().spec).length).toBeLessThan(8_000);
});

it('goes where its pool says, bears the class by which that is counted, and takes the images that stand in', () => {
  const { spec, stage } = specOf(
    `
defaults:
  images: { node:24: mirror.example/node:24 }
  pullSecrets: [login]
  pools:
    heavy:
      nodeSelector: { class: heavy }
      tolerations: [{ key: heavy, value: 'yes', effect: NoSchedule }]
      quota: { pods: 2 }
`,
    { pool: 'heavy', lane: 'hotfix' },
  );
  expect(spec).toMatchObject({
    nodeSelector: { class: 'heavy' },
    priorityClassName: 'slipway-hotfix-heavy',
    imagePullSecrets: [{ name: 'login' }],
  });
  expect(spec.tolerations).toContainEqual({ operator: 'Equal', key: 'heavy', value: 'yes', effect: 'NoSchedule' });
  expect(stage.image).toBe('mirror.example/node:24');
  expect(specOf().spec.priorityClassName).toBe('slipway-feature');
});

it('waits for network policies only where somebody enforces them', () => {
  const without = specOf();
  expect(without.variablesOf(without.agent)).not.toHaveProperty('SLIPWAY_BARRED_ADDRESS');
  const { agent, stage, variablesOf } = specOf(
    'defaults: { egress: { allow: [10.0.0.0/8, fd00::/8] } }',
    {},
    {
      networkPolicies: 'enforced',
    },
  );
  expect(variablesOf(agent)).toMatchObject({
    SLIPWAY_BARRED_ADDRESS: '$(KUBERNETES_SERVICE_HOST):$(KUBERNETES_SERVICE_PORT)',
    SLIPWAY_ALLOWED_NETWORKS: '10.0.0.0/8,fd00::/8',
  });
  expect(variablesOf(stage)).not.toHaveProperty('SLIPWAY_BARRED_ADDRESS');
});
