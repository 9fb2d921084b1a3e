import type { EventStore } from '../engine/ports/event-store.ts';
import { environmentKey, type Revision } from './revision.ts';
import type { Revisions } from './revisions.ts';
import { evolve, isOver, type Rollout } from './rollout.ts';
import type { RolloutEvent, RolloutOrigin } from './rollout-events.ts';

interface Told {
  readonly origin: RolloutOrigin;
  readonly rollout: Rollout;
}

/**
 * Makes the history of all environments anew out of the log of rollouts, beside rollouts that are under way.
 * @returns how many rollouts the log told
 */
export async function rebuildRevisions(events: EventStore<RolloutEvent>, revisions: Revisions): Promise<number> {
  const environments = Map.groupBy(await toldBy(events), ({ origin }) => environmentKey(origin.environment));
  let count = 0;
  for (const rollouts of environments.values()) {
    count += rollouts.length;
    await rebuildEnvironment(rollouts, revisions);
  }
  return count;
}

/** Rollouts of versions that did not write where they went are left out: what is kept of them stays as it is. */
async function toldBy(events: EventStore<RolloutEvent>): Promise<readonly Told[]> {
  const told: Told[] = [];
  for await (const stream of events.streams()) {
    let rollout: Rollout | undefined;
    let origin: RolloutOrigin | undefined;
    for (const commit of await events.load(stream, 0)) {
      for (const event of commit.events) {
        rollout = evolve(rollout, event);
        if (event.type === 'RolloutStarted') origin = event.origin;
      }
    }
    if (rollout !== undefined && origin !== undefined) told.push({ rollout, origin });
  }
  return told;
}

async function rebuildEnvironment(rollouts: readonly Told[], revisions: Revisions): Promise<void> {
  const [first] = rollouts;
  if (first === undefined) return;
  const { environment } = first.origin;
  // Older runs are superseded and never succeed after a newer one: what is live succeeded with the highest number.
  const live = Math.max(
    0,
    ...rollouts.filter(({ rollout }) => rollout.state.status === 'succeeded').map(({ rollout }) => rollout.revision),
  );
  for (const { origin, rollout } of rollouts) await revisions.restore(environment, revisionOf(origin, rollout, live));
  // The one that has the word, and no other: an older one that asked again would look like a newer one.
  const holder = rollouts.reduce((a, b) => (isLater(b, a) ? b : a));
  await revisions.claim(environment, holder.rollout.rolloutId, holder.origin.orderAt);
  const known = (await revisions.live(environment))?.number ?? 0;
  if (live > known) await revisions.makeLive(environment, live);
}

function isLater(a: Told, b: Told): boolean {
  const order = a.origin.orderAt.getTime() - b.origin.orderAt.getTime();
  return order > 0 || (order === 0 && a.rollout.startedAt > b.rollout.startedAt);
}

function revisionOf(
  { environment: _, orderAt: __, ...facts }: RolloutOrigin,
  rollout: Rollout,
  live: number,
): Revision {
  const { revision: number, digest, target, rolloutId } = rollout;
  return { ...facts, number, digest, target, rolloutId, state: stateOf(rollout, live) };
}

function stateOf(rollout: Rollout, live: number): Revision['state'] {
  if (!isOver(rollout)) return 'rolling';
  if (rollout.state.status !== 'succeeded') return 'failed';
  return rollout.revision === live ? 'live' : 'retired';
}
