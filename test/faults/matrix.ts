import type { FaultCluster } from './fault-cluster.ts';
import type { Outcome, Scenario } from './scenarios.ts';
import type { Counts } from './verdict.ts';

const columns: readonly (readonly [keyof Counts, string])[] = [
  ['lost', 'runs lost'],
  ['startedTwice', 'commands started twice'],
  ['twoLive', 'two live attempts'],
  ['runAgain', 'run again after success'],
  ['podsLeaked', 'pods leaked'],
  ['checksOpen', 'checks left open'],
  ['logsBroken', 'logs with a gap'],
];

const clusterNames: Readonly<Record<FaultCluster['name'], string>> = {
  embedded: 'On the embedded cluster',
  real: 'On a real cluster (Kubernetes 1.34, one node)',
};

/** A row of the matrix: a scenario and what came of it. */
export function rowOf(scenario: Scenario, outcome: Outcome): string {
  const cells = columns.map(([key]) => String(outcome.counts[key]));
  return `| ${[scenario.name, outcome.faultCount, outcome.runs, ...cells].join(' | ')} |`;
}

export function head(): string {
  const names = ['what happens', 'times', 'runs', ...columns.map(([, name]) => name)];
  return `| ${names.join(' | ')} |\n| --- |${' ---: |'.repeat(names.length - 1)}`;
}

/**
 * The page with these rows in place of those of the same scenarios; the rows of others stay.
 * @param rows by the scenario's name
 */
export function pageWith(page: string, cluster: FaultCluster['name'], rows: ReadonlyMap<string, string>): string {
  const [begin, end] = [`<!-- faults: ${cluster} -->`, `<!-- end: ${cluster} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`The page has no place for the matrix: ${begin}`);
  const kept = new Map(
    page
      .slice(from, to)
      .split('\n')
      .filter((line) => line.startsWith('| ') && !line.startsWith('| what') && !line.startsWith('| ---'))
      .map((line) => [line.slice(2, line.indexOf(' |')), line]),
  );
  for (const [name, row] of rows) kept.set(name, row);
  const table = kept.size === 0 ? 'Not measured yet.' : [head(), ...kept.values()].join('\n');
  return `${page.slice(0, from)}${begin}\n\n### ${clusterNames[cluster]}\n\n${table}\n\n${page.slice(to)}`;
}
