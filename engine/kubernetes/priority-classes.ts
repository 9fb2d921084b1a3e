import type { Lane } from '../core/run-events.ts';
import type { ApiObject } from './cluster-fetch.ts';
import { managedBy } from './names.ts';

/** What takes precedence when a cluster is full. None of them ever puts a running pod out, whoever's it is. */
const priorities: Readonly<Record<Lane, number>> = { hotfix: 100, main: 10, feature: 0 };

export function priorityClassOf(lane: Lane): string {
  return `slipway-${lane}`;
}

export function priorityClasses(): readonly (ApiObject & Record<string, unknown>)[] {
  return (['hotfix', 'main', 'feature'] as const).map((lane) => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: priorityClassOf(lane), labels: managedBy },
    value: priorities[lane],
    preemptionPolicy: 'Never',
    description: `Slipway's stages of the lane ${lane}: ahead in the queue for nodes, never at a running pod's cost`,
  }));
}
