import picomatch from 'picomatch';
import type { Node } from 'yaml';
import type { Condition, TriggerRule } from '../core/pipeline.ts';
import { given, type Reader, shown } from './reader.ts';

const events = ['push', 'pull_request', 'tag', 'manual', 'schedule'] as const satisfies readonly TriggerRule['event'][];

/** When a stage runs: by event, branch, path and what became of those before it. */
export function readCondition(reader: Reader, node: Node | null, what: string): Condition {
  let condition: Condition = {};
  reader.fields(node, what, {
    events: (value) => {
      const list = reader
        .names(value, `events of ${what}`)
        .flatMap(({ node: item }) => reader.oneOf(item, 'event', events) ?? []);
      condition = { ...condition, events: list };
    },
    branches: (value) =>
      given(globs(reader, value, `branches of ${what}`), (branches) => (condition = { ...condition, branches })),
    paths: (value) => given(globs(reader, value, `paths of ${what}`), (paths) => (condition = { ...condition, paths })),
    labels: (value) =>
      given(globs(reader, value, `labels of ${what}`), (labels) => (condition = { ...condition, labels })),
    drafts: (value) => (condition = { ...condition, drafts: readDrafts(reader, value, what) }),
    after: (value) =>
      given(
        reader.oneOf(value, `after of ${what}`, ['success', 'failure', 'always'] as const),
        (after) => (condition = { ...condition, after }),
      ),
  });
  return condition;
}

/** Whether drafts take part; they do where nothing is said. */
export function readDrafts(reader: Reader, node: Node | null, what: string): boolean {
  return reader.oneOf(node, `drafts of ${what}`, ['true', 'false']) !== 'false';
}

/** Patterns of branches or paths, as picomatch reads them. */
export function globs(reader: Reader, node: Node | null, what: string): readonly string[] | undefined {
  const list = reader.names(node, what);
  return list.flatMap(({ name, node: item }) => {
    if (name.length <= 200 && isGlob(name)) return [name];
    reader.note(
      item,
      `"${shown(name)}" is no pattern`,
      'Patterns are like main, release/*, src/**',
      'Write a shorter or simpler pattern',
    );
    return [];
  });
}

function isGlob(text: string): boolean {
  try {
    picomatch.makeRe(text);
    return true;
  } catch {
    return false;
  }
}
