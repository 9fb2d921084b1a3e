import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { expect, it } from 'vitest';
import { replicaTrouble } from '../../../deploy/kubernetes/replica-trouble.ts';

const container = (name: string, facts: Partial<V1ContainerStatus>): V1ContainerStatus => ({
  name,
  image: '',
  imageID: '',
  ready: false,
  restartCount: 0,
  ...facts,
});
const pod = (containerStatuses: V1ContainerStatus[], initContainerStatuses: V1ContainerStatus[] = []): V1Pod => ({
  status: { containerStatuses, initContainerStatuses },
});
const fetched = container('fetch-artifact', { ready: true, state: { terminated: { exitCode: 0 } } });

it.each<[string, V1Pod, string, string[]]>([
  [
    'the last words of a service that ends again and again',
    pod(
      [
        container('service', {
          restartCount: 3,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 1, message: 'listening\n\nError: no database\n' } },
        }),
      ],
      [fetched],
    ),
    'its container "service" ended (exit code 1), and was started again 3 times',
    ['listening', 'Error: no database'],
  ],
  [
    'memory',
    pod([container('service', { restartCount: 1, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } })]),
    'its container "service" ended (it used more memory than it may), and was started again once',
    [],
  ],
  [
    'an image that cannot be had',
    pod([container('service', { state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } } })]),
    'its container "service" waits: ImagePullBackOff: no such image',
    [],
  ],
  [
    'a cluster that is full',
    { status: { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }] } },
    'no node has room for it: 0/1 nodes are available',
    [],
  ],
  [
    'a service that answers nothing',
    pod([container('service', { state: { running: {} } })], [fetched]),
    'its container "service" runs, but is not ready',
    [],
  ],
])('names %s', (_, given, message, excerpt) => {
  expect(replicaTrouble([given])).toEqual({ message, excerpt });
});

it('finds nothing wrong with replicas that are ready', () => {
  const service = container('service', { ready: true, state: { running: {} } });
  expect(replicaTrouble([pod([service], [fetched])])).toBeUndefined();
});
