import { expect, it } from 'vitest';
import { hostShapes } from '../providers/host-shapes.ts';
import { listeningSlipway, type Made, MovingHost } from './moving-host.ts';

const events = 1_000;
const second = 1_000;
const sweepEverySeconds = 30;
const pace = { everyMs: 600 * second, againMs: 60 * second, perTenant: 1 };

/** The same numbers for the same seed, between 0 and 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What happens at the host: a few branches and tags, alone and together, and pull requests that come, move and go. */
function happening(host: MovingHost, random: () => number): () => readonly Made[] {
  const open: number[] = [];
  const branches = ['main', 'release', 'next', 'docs'];
  let opened = 0;
  let tagged = 0;
  return () => {
    const at = Math.floor(random() * open.length);
    const number = open[at];
    const kind = random();
    const often = Math.floor(random() * 3);
    if (kind < 0.22) return [host.push(branches[often] ?? 'main')];
    if (kind < 0.3) {
      tagged += 1;
      return often === 0 ? host.pushTagged('main', `v${tagged}`) : [host.tag(often === 1 ? 'latest' : `v${tagged}`)];
    }
    if (kind < 0.35) return host.pushTogether(branches.slice(0, 2 + often));
    if (number === undefined || kind < 0.5) {
      opened += 1;
      open.push(opened);
      return [host.open(opened)];
    }
    if (kind < 0.8) return [host.commit(number)];
    if (kind < 0.85) return [host.retitle(number)];
    if (kind < 0.9) return [host.retarget(number, random() < 0.5 ? 'release' : 'next')];
    open.splice(at, 1);
    return [host.close(number, random() < 0.5 ? 'closed' : 'merged')];
  };
}

const runs = hostShapes.flatMap((shape) => [1, 3].map((seed) => ({ shape, host: shape.provider, seed })));

it.each(runs)(
  `${events} changes told in disorder by $host end as in order, and nothing is run twice (seed $seed)`,
  async ({ shape, seed }) => {
    const ordered = new MovingHost(shape);
    const inOrder = await listeningSlipway(ordered, pace);
    const happen = happening(ordered, numbers(seed));
    for (let time = 0; time < events + 1_800; time += 1) {
      inOrder.passMs(second);
      for (const made of time < events ? happen() : []) await inOrder.deliver(made);
      // A host may tell nobody of a push, in order too.
      if (time % sweepEverySeconds === 0) await inOrder.sweep();
    }

    const host = new MovingHost(shape);
    const slipway = await listeningSlipway(host, pace);
    const happenAgain = happening(host, numbers(seed));
    const chance = numbers(seed + 100);
    const waiting: { readonly at: number; readonly made: Made }[] = [];
    const count = { deliveries: 0, duplicated: 0, delayed: 0, neverSent: 0, foundBySweep: 0 };
    // One change a second, and then an hour for what is still on its way and for the sweep.
    for (let time = 0; time < events + 3_600; time += 1) {
      slipway.passMs(second);
      for (const made of time < events ? happenAgain() : []) {
        count.deliveries += 1;
        const isLost = time > 0 && chance() < 0.1;
        const isDelayed = chance() < 0.3;
        const isTwice = chance() < 0.3;
        if (isLost) count.neverSent += 1;
        else {
          if (isDelayed) count.delayed += 1;
          waiting.push({ at: time + (isDelayed ? chance() * 900 : 0), made });
        }
        if (!isLost && isTwice) {
          count.duplicated += 1;
          // Where hosts send again under the same id, two webhooks may tell the same under two.
          const id = shape.keepsId && chance() < 0.5 ? made.id : `${made.id}-again`;
          waiting.push({ at: time + chance() * 1_800, made: { ...made, id } });
        }
      }
      const due = waiting.filter(({ at }) => at <= time);
      // Those of one second come in any order.
      for (const { made } of due.sort(() => chance() - 0.5)) await slipway.deliver(made);
      if (due.length > 0) waiting.splice(0, waiting.length, ...waiting.filter(({ at }) => at > time));
      if (time % sweepEverySeconds === 0) count.foundBySweep += await slipway.sweep();
    }

    const wanted = Object.fromEntries(inOrder.last);
    const ended = Object.fromEntries(slipway.last);
    const subjects = new Set([...Object.keys(wanted), ...Object.keys(ended)]);
    // One that came and went between two looks, untold, was never there for Slipway: nothing of it runs.
    const differences = [...subjects].filter((subject) => (wanted[subject] ?? 'over') !== (ended[subject] ?? 'over'));
    // A pull request that goes to another base and back is run for the first one again, in order too.
    const times = (begun: readonly string[], what: string) => begun.filter((each) => each === what).length;
    const again = [...new Set(slipway.begun)].filter(
      (what) => times(slipway.begun, what) > Math.max(1, times(inOrder.begun, what)),
    );
    const runTwice = again.length;
    console.log(
      JSON.stringify({ host: shape.provider, changes: events, ...count, differences: differences.length, runTwice }),
    );
    expect(Object.fromEntries([...inOrder.last])).toEqual(ordered.standing());
    expect({ differences, runTwice, errors: slipway.errors }).toEqual({ differences: [], runTwice: 0, errors: [] });
    expect(count.foundBySweep).toBeGreaterThan(0);
  },
);
