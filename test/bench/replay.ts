import { evolve, type Run } from '../../engine/core/run.ts';
import { GivenRun, stage, succeeded } from '../engine/core/given-run.ts';
import type { Print } from './figures.ts';

const goalPerSecond = 100_000;

/** Folds the events of runs of six stages, over and over. */
export function benchReplay(print: Print): void {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const given = new GivenRun(
    ...names.map((name, index) => stage(name, { needs: names.slice(Math.max(0, index - 1), index) })),
  );
  for (const name of names) given.finish(name, succeeded);
  const { events } = given;
  const fold = () => events.reduce<Run | undefined>(evolve, undefined);

  for (let warm = 0; warm < 2_000; warm += 1) fold();
  const rounds = 20_000;
  const begin = performance.now();
  for (let round = 0; round < rounds; round += 1) fold();
  const perSecond = Math.round((rounds * events.length * 1_000) / (performance.now() - begin));
  print({
    what: 'replay of runs of 6 stages',
    measured: `${perSecond.toLocaleString('en')} events/s`,
    goal: { text: `>= ${goalPerSecond.toLocaleString('en')}`, isMet: perSecond >= goalPerSecond },
  });
}
