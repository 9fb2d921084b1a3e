import { createHash, randomUUID } from 'node:crypto';
import { type KubeObject, timestamp } from '../objects/meta.ts';
import type { Objects } from '../store/objects.ts';

const kept = 1000;

/** Writes the events that `kubectl describe` and `kubectl get events` show. */
export class EventRecorder {
  readonly #objects: Objects;
  readonly #now: () => Date;

  constructor(objects: Objects, now: () => Date) {
    this.#objects = objects;
    this.#now = now;
  }

  /** The same event again only counts up. The oldest go when there are too many. */
  record(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { events } = this.#objects;
    const namespace = about.metadata.namespace ?? 'default';
    const digest = createHash('sha256').update(`${about.metadata.uid}/${reason}/${message}`).digest('hex').slice(0, 16);
    const name = `${about.metadata.name.slice(0, 200)}.${digest}`;
    const at = timestamp(this.#now());
    const before = events.find(namespace, name);
    if (before !== undefined) {
      events.replace({ ...before, count: (before.count ?? 1) + 1, lastTimestamp: at });
      return;
    }
    events.insert({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace, uid: randomUUID(), resourceVersion: '', creationTimestamp: at },
      involvedObject: {
        kind: about.kind,
        namespace,
        name: about.metadata.name,
        uid: about.metadata.uid,
        apiVersion: about.apiVersion,
        resourceVersion: about.metadata.resourceVersion,
      },
      reason,
      message,
      type,
      count: 1,
      firstTimestamp: at,
      lastTimestamp: at,
      source: { component: 'slipway-embedded-cluster' },
      reportingComponent: 'slipway-embedded-cluster',
    });
    this.#prune();
  }

  #prune(): void {
    const all = this.#objects.events.list();
    if (all.length <= kept) return;
    const oldest = all.toSorted((a, b) => (a.lastTimestamp ?? '').localeCompare(b.lastTimestamp ?? ''));
    for (const event of oldest.slice(0, all.length - kept * 0.9)) this.#objects.events.remove(event);
  }
}
