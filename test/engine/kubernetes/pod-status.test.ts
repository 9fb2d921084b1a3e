import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { annotations, labels } from '../../../engine/kubernetes/names.ts';
import { observe } from '../../../engine/kubernetes/pod-status.ts';

const recorded = z
  .record(z.string(), z.looseObject({ metadata: z.looseObject({ name: z.string() }) }))
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'pod-statuses.json'), 'utf8')));

/** A pod as a real cluster showed it, of one of our attempts. */
function podOf(name: string, change: (pod: V1Pod) => V1Pod = (pod) => pod): V1Pod {
  const { metadata, ...rest } = recorded[name] ?? { metadata: { name: '' } };
  const deleted: unknown = metadata['deletionTimestamp'];
  return change({
    ...rest,
    metadata: {
      name: metadata.name,
      labels: { [labels.run]: 'run1', [labels.attempt]: '1', [labels.role]: 'stage' },
      annotations: { [annotations.stage]: 'test', [annotations.tenant]: 'github:1' },
      ...(typeof deleted === 'string' ? { deletionTimestamp: new Date(deleted) } : {}),
    },
  });
}

/** A status that this cluster's one node never shows, in the words of Kubernetes. */
const injected = (status: V1Pod['status']) =>
  podOf('running', (pod) => ({ ...pod, status: { ...pod.status, ...status } }));

const stateOf = (pod: V1Pod) => observe(pod)?.state;

it.each([
  ['completed', 'completed', 'exit code 0'],
  ['command failed', 'command', 'exit code 3'],
  ['out of memory', 'out-of-memory', 'more memory'],
  ['deadline', 'deadline', 'out of time'],
  ['agent failed', 'agent-failed', 'exit code 7'],
  ['agent out of memory', 'agent-failed', 'ran out of memory'],
  ['image has no shell', 'no-shell', 'Choose an image that has a shell'],
  ['image name invalid', 'image-name', '"Bad Name!!" is no image\'s name'],
  ['image not found', 'image-name', 'There is no image 127.0.0.1:5000/nothing:1: not found'],
  ['image not found, backing off', 'image-name', 'Correct `image`'],
  [
    'image denied',
    'image-denied',
    '401 Unauthorized). Check the name; for a private image an administrator adds a login',
  ],
  ['config map missing', 'configuration', 'configmap "missing" not found'],
  ['preempted', 'preempted', 'higher priority'],
  ['drained', 'drained', 'drained'],
  ['tainted', 'tainted', 'takes no such pods any more'],
])('tells that a pod ended: %s', (name, cause, message) => {
  const state = stateOf(podOf(name));
  expect(state).toMatchObject({ phase: 'ended', cause });
  expect(state?.phase === 'ended' && state.message).toContain(message);
});

it.each([
  ['preempted, leaving', 'preempted'],
  ['drained, leaving', 'drained'],
  ['tainted, leaving', 'tainted'],
  ['deleted by hand, leaving', 'deleted'],
])('gives a pod until its time is up: %s', (name, cause) => {
  expect(stateOf(podOf(name))).toMatchObject({ phase: 'leaving', cause, by: expect.any(Date) });
});

it.each([
  ['image rate-limited', 'limits how often 127.0.0.1:5999/limited:1 may be pulled: pulling', 'mirror'],
  ['registry unknown', 'the registry of registry.invalid/x:1 is not found', 'Correct `image`'],
  ['registry refuses connections', 'cannot be pulled: dial tcp 127.0.0.1:5998: connect: connection refused', undefined],
  ['registry broken', '503 Service Unavailable', undefined],
  [
    'no node matches',
    "no node takes it: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector",
    'pool',
  ],
  ['node tainted', 'untolerated taint', 'pool'],
  ['larger than any node', 'no node takes it: 0/1 nodes are available: 1 Insufficient cpu', '`resources`'],
])('tells what a pod waits for: %s', (name, reason, fix) => {
  const state = stateOf(podOf(name));
  expect(state?.phase).toBe('waiting');
  if (state?.phase !== 'waiting') return;
  expect(state.reason).toContain(reason);
  expect(state.reason).not.toContain('preemption');
  if (fix === undefined) expect(state.fix).toBeUndefined();
  else expect(state.fix).toContain(fix);
});

it('says nothing of a pod that starts as it should', () => {
  expect(stateOf(podOf('scheduled'))).toEqual({ phase: 'waiting' });
  expect(stateOf(podOf('containers are made'))).toEqual({ phase: 'waiting' });
  expect(stateOf(podOf('running'))).toEqual({ phase: 'running' });
});

it.each([
  [
    'memory of the node',
    {
      phase: 'Failed',
      reason: 'Evicted',
      message:
        'The node was low on resource: memory. Threshold quantity: 100Mi, available: 3Mi. Container stage was using 900Mi, request is 512Mi, has larger consumption of memory. ',
    },
    'evicted',
  ],
  [
    'disk of the node',
    {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 5Mi. ',
    },
    'evicted',
  ],
  [
    'pressure of the node',
    { phase: 'Failed', reason: 'Evicted', message: 'The node had condition: [DiskPressure]. ' },
    'evicted',
  ],
  [
    "the stage's own disk",
    {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Container stage exceeded its local ephemeral storage limit "20Gi". ',
    },
    'disk-limit',
  ],
  [
    'a volume',
    { phase: 'Failed', reason: 'Evicted', message: 'Usage of EmptyDir volume "workspace" exceeds the limit "1Gi". ' },
    'disk-limit',
  ],
  [
    'a critical pod',
    { phase: 'Failed', reason: 'Preempting', message: 'Preempted in order to admit critical pod' },
    'preempted',
  ],
  [
    'a node that shuts down',
    { phase: 'Failed', reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' },
    'node-shutdown',
  ],
  [
    'a node that does not answer',
    { phase: 'Failed', reason: 'NodeLost', message: 'Node x which was running pod y is unresponsive' },
    'node-lost',
  ],
  [
    'a node that is gone',
    {
      phase: 'Failed',
      conditions: [
        {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'DeletionByPodGC',
          message: 'PodGC: node no longer exists',
        },
      ],
    },
    'node-lost',
  ],
  [
    'a node without room',
    {
      phase: 'Failed',
      reason: 'OutOfcpu',
      message: "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000",
    },
    'node-refused',
  ],
  ['an unknown reason', { phase: 'Failed', reason: 'SomethingNew', message: 'of a later version' }, 'unknown'],
  ['no reason at all', { phase: 'Failed', containerStatuses: [] }, 'unknown'],
])('tells apart who ended a pod: %s', (_, status, cause) => {
  expect(stateOf(injected(status))).toMatchObject({ phase: 'ended', cause });
});

it('waits on where a node was only too slow', () => {
  const slow = podOf('config map missing', (pod) => ({
    ...pod,
    status: {
      ...pod.status,
      containerStatuses:
        pod.status?.containerStatuses?.map((status) =>
          status.name === 'stage'
            ? {
                ...status,
                state: {
                  waiting: { reason: 'CreateContainerError', message: 'context deadline exceeded' },
                },
              }
            : status,
        ) ?? [],
    },
  }));
  expect(stateOf(slow)).toMatchObject({ phase: 'waiting', reason: expect.stringContaining('deadline exceeded') });
});

it.each([
  [
    'docker.io/library/none:1',
    'rpc error: code = Unknown desc = failed to pull and unpack image "docker.io/library/none:1": failed to resolve reference "docker.io/library/none:1": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    'image-denied',
  ],
  [
    'ghcr.io/acme/404:1',
    'Back-off pulling image "ghcr.io/acme/404:1": ErrImagePull: failed to resolve reference "ghcr.io/acme/404:1": dial tcp: i/o timeout',
    undefined,
  ],
  [
    'quay.io/acme/x:1',
    'initializing source docker://quay.io/acme/x:1: reading manifest 1 in quay.io/acme/x: manifest unknown',
    'image-name',
  ],
])('understands what the pull of %s came to', (image, message, cause) => {
  const pod = podOf('image not found', (it) => ({
    ...it,
    spec: { containers: [{ name: 'stage', image }] },
    status: {
      ...it.status,
      containerStatuses: [
        {
          name: 'stage',
          image,
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { waiting: { reason: 'ImagePullBackOff', message } },
        },
      ],
    },
  }));
  expect(stateOf(pod)).toMatchObject(cause === undefined ? { phase: 'waiting' } : { phase: 'ended', cause });
});

it('passes over pods that are no attempts', () => {
  expect(observe({ metadata: { name: 'other' } })).toBeUndefined();
});
