import { expect, it } from 'vitest';
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

/** What happens at the host: a few branches, and pull requests that come, move and go. */
function happening(host: MovingHost, random: () => number): () => Made {
  const open: number[] = [];
  let opened = 0;
  return () => {
    const at = Math.floor(random() * open.length);
    const number = open[at];
    const kind = random();
    if (kind < 0.35) return host.push(['main', 'release', 'next'][Math.floor(random() * 3)] ?? 'main');
    if (number === undefined || kind < 0.5) {
      opened += 1;
      open.push(opened);
      return host.open(opened);
    }
    if (kind < 0.85) return host.commit(number);
    if (kind < 0.9) return host.retarget(number, random() < 0.5 ? 'release' : 'next');
    open.splice(at, 1);
    return host.close(number, random() < 0.5 ? 'closed' : 'merged');
  };
}

it.each([1, 2, 3])(
  `${events} deliveries in disorder end as in order, and nothing is run twice (seed %i)`,
  async (seed) => {
    const ordered = new MovingHost();
    const inOrder = await listeningSlipway(ordered, pace);
    const happen = happening(ordered, numbers(seed));
    for (let index = 0; index < events; index += 1) {
      inOrder.passMs(second);
      await inOrder.deliver(happen());
    }

    const host = new MovingHost();
    const slipway = await listeningSlipway(host, pace);
    const happenAgain = happening(host, numbers(seed));
    const chance = numbers(seed + 100);
    const waiting: { readonly at: number; readonly made: Made }[] = [];
    const count = { duplicated: 0, delayed: 0, neverSent: 0, foundBySweep: 0 };
    // One event a second, and then an hour for what is still on its way and for the sweep.
    for (let time = 0; time < events + 3_600; time += 1) {
      slipway.passMs(second);
      if (time < events) {
        const made = happenAgain();
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
          // Some hosts send again under the same id, some under a new one.
          const id = chance() < 0.5 ? made.id : `${made.id}-again`;
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
    console.log(JSON.stringify({ deliveries: events, ...count, differences: differences.length, runTwice }));
    expect(Object.fromEntries([...inOrder.last])).toEqual(ordered.standing());
    expect({ differences, runTwice, errors: slipway.errors }).toEqual({ differences: [], runTwice: 0, errors: [] });
    expect(count.foundBySweep).toBeGreaterThan(0);
  },
);
