import { cpus, totalmem } from 'node:os';
import type { Writes } from '../api/writes.ts';
import { timestamp } from '../objects/meta.ts';
import type { Objects } from '../store/objects.ts';
import { nodeName } from './admission.ts';

const podLimit = 250;

/** Makes what every cluster has: its namespaces, and the one node. */
export function bootstrap(objects: Objects, writes: Writes, now: Date): void {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    if (objects.namespaces.find('', name) === undefined) {
      writes.create(objects.namespaces, '', { metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } });
    }
  }
  if (objects.nodes.find('', nodeName) === undefined) {
    writes.create(objects.nodes, '', {
      metadata: {
        name: nodeName,
        labels: { 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': process.platform },
      },
    });
  }
  const at = timestamp(now);
  const capacity = {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: String(podLimit),
  };
  const node = objects.nodes.get('', nodeName);
  objects.nodes.replace({
    ...node,
    status: {
      capacity,
      allocatable: capacity,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'Pods run as local processes',
          lastHeartbeatTime: at,
          lastTransitionTime: at,
        },
      ],
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      nodeInfo: {
        kubeletVersion: 'v1.34.0+slipway-embedded',
        operatingSystem: process.platform,
        architecture: process.arch,
      },
    },
  });
}
