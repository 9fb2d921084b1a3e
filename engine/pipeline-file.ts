import { isMap, LineCounter, type Node, parseDocument, visit, type YAMLError } from 'yaml';
import { allNeeds, findCycle } from './core/dag.ts';
import type { Pipeline, StageDefinition, TriggerRule } from './core/pipeline.ts';
import { emptyPolicy, type Policy } from './core/policy.ts';
import { globs, readDrafts } from './pipeline-file/condition.ts';
import { spread } from './pipeline-file/matrix.ts';
import { readEnvironments, readHotfix } from './pipeline-file/policy.ts';
import { didYouMean, isNode, type Mistake, Reader, shown } from './pipeline-file/reader.ts';
import { readStage, type WrittenStage } from './pipeline-file/stage.ts';
import { parseCron } from './pipeline-file/units.ts';

export type { Mistake } from './pipeline-file/reader.ts';

/** Where a repository keeps its pipeline. */
export const pipelineFile = '.slipway.yaml';
export const pipelineMaxBytes = 256 * 1_024;
const maxStages = 100;
const maxAliases = 50;
const tooDeep = 'The file is nested too deeply';

/** What runs a pipeline that says nothing about it: pushes to the default branch, pull requests, tags, and people. */
const defaultRules: readonly TriggerRule[] = [
  { event: 'push' },
  { event: 'pull_request' },
  { event: 'tag' },
  { event: 'manual' },
];

/**
 * Reads a pipeline file: the pipeline, or every mistake with its place. Never throws, whatever the text.
 * @param options.repositoryName names the service of deploys that give no other name
 * @param options.pools the tenant's; without them any name is taken
 */
export function parsePipeline(
  text: string,
  options: { readonly path: string; readonly repositoryName?: string; readonly pools?: readonly string[] },
): { readonly pipeline: Pipeline } | { readonly mistakes: readonly Mistake[] } {
  if (Buffer.byteLength(text) > pipelineMaxBytes) {
    return {
      mistakes: [
        wholeFile(
          `${options.path} is larger than ${pipelineMaxBytes / 1_024} kB`,
          "A pipeline this long is nobody's intention",
          'Move scripts into files of their own',
        ),
      ],
    };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false, merge: false });
  const reader = new Reader(lines);
  for (const error of document.errors) noteSyntax(reader, error);
  let aliases = 0;
  visit(document, {
    Alias() {
      aliases += 1;
      return aliases > maxAliases ? visit.BREAK : undefined;
    },
  });
  if (aliases > 0)
    reader.note(
      0,
      'The file uses aliases',
      'Anchors and aliases hide what runs, and can be made to explode',
      'Write the values out, or use a matrix',
    );
  if (reader.mistakes.length > 0) return { mistakes: sorted(reader.mistakes) };
  const contents = isNode(document.contents) ? document.contents : null;
  if (contents === null)
    return {
      mistakes: [
        wholeFile(
          `${options.path} is empty`,
          'There is nothing to run',
          'Write one with `slipway init`, or delete the file',
        ),
      ],
    };

  let rules: readonly TriggerRule[] = defaultRules;
  let policy: Policy = emptyPolicy;
  let written: readonly WrittenStage[] | undefined;
  reader.fields(contents, 'the pipeline', {
    on: (value) => (rules = readRules(reader, value)),
    environments: (value) => (policy = { ...policy, environments: readEnvironments(reader, value) }),
    hotfix: (value) => (policy = { ...policy, hotfix: readHotfix(reader, value) }),
    stages: (value) =>
      (written = readStages(reader, value, {
        repositoryName: options.repositoryName ?? 'service',
        pools: options.pools,
      })),
  });
  if (isMap(contents) && written === undefined)
    reader.note(
      contents,
      'The pipeline has no stages',
      'A pipeline is made of stages',
      'Add `stages:`; `slipway init` shows how',
    );
  const stages = connect(reader, written ?? []);
  return reader.mistakes.length > 0
    ? { mistakes: sorted(reader.mistakes) }
    : { pipeline: { on: rules, stages, ...(policy === emptyPolicy ? {} : { policy }) } };
}

function noteSyntax(reader: Reader, { code, message, pos }: YAMLError): void {
  // The parser says so when its own stack is full.
  if (/call stack|stack overflow/i.test(message)) {
    if (reader.mistakes.some(({ what }) => what === tooDeep)) return;
    reader.note(pos[0], tooDeep, 'No pipeline has that many levels', 'Take away brackets or indentation');
  } else if (code === 'DUPLICATE_KEY')
    reader.note(pos[0], 'This key stands twice', 'Only one of the two could count', 'Remove one, or rename it');
  else if (code === 'MULTIPLE_DOCS')
    reader.note(pos[0], 'A second document begins here', 'A pipeline is one document', 'Remove the line `---`');
  else
    reader.note(
      pos[0],
      'This is not YAML',
      message.replaceAll(/\s+/g, ' '),
      'Mend the spelling; mind indentation and quotes',
    );
}

function readRules(reader: Reader, node: Node | null): readonly TriggerRule[] {
  const rules: TriggerRule[] = [];
  const filters =
    (
      event: TriggerRule['event'],
      allowed: readonly ('branches' | 'branchesIgnore' | 'tags' | 'paths' | 'pathsIgnore' | 'labels')[],
    ) =>
    (value: Node | null) => {
      let rule: TriggerRule = { event };
      const isBare = value === null || (!isMap(value) && 'value' in value && value.value === null);
      if (!isBare) {
        reader.fields(value, event, {
          ...Object.fromEntries(
            allowed.map((name) => [
              name,
              (list: Node | null) => (rule = { ...rule, [name]: globs(reader, list, `${name} of ${event}`) ?? [] }),
            ]),
          ),
          ...(event === 'pull_request'
            ? { drafts: (flag: Node | null) => (rule = { ...rule, drafts: readDrafts(reader, flag, event) }) }
            : {}),
        });
      }
      rules.push(rule);
    };
  reader.fields(node, 'on', {
    push: filters('push', ['branches', 'branchesIgnore', 'paths', 'pathsIgnore']),
    pull_request: filters('pull_request', ['branches', 'branchesIgnore', 'paths', 'pathsIgnore', 'labels']),
    tag: filters('tag', ['tags']),
    manual: filters('manual', []),
    schedule: (value) => {
      const items = value !== null && 'items' in value && !isMap(value) ? value.items : [value];
      for (const item of items) {
        reader.fields(isNode(item) ? item : null, 'a schedule', {
          cron: (line) => {
            const cron = reader.parsed(line, 'cron', parseCron, "'0 4 * * *' (minute hour day month weekday, UTC)");
            if (cron !== undefined) rules.push({ event: 'schedule', cron });
          },
        });
      }
    },
  });
  return rules;
}

function readStages(
  reader: Reader,
  node: Node | null,
  facts: { readonly repositoryName: string; readonly pools: readonly string[] | undefined },
): readonly WrittenStage[] {
  const map = reader.map(node, 'stages');
  const entries = map === undefined ? [] : reader.entries(map, 'stages');
  if (map !== undefined && entries.length === 0)
    reader.note(map, 'There are no stages', 'A pipeline is made of stages', 'Add one; `slipway init` shows how');
  return entries.flatMap(({ key, value, name }) => readStage(reader, name, key, value, facts) ?? []);
}

function isTooMany(reader: Reader, written: readonly WrittenStage[], count: number): boolean {
  if (count <= maxStages) return false;
  reader.note(
    written[0]?.key,
    `The pipeline has ${count} stages`,
    `At most ${maxStages} run in one pipeline`,
    'Join stages, or use several repositories',
  );
  return true;
}

/** Checks what stages say of each other, spreads matrices, and turns needs of a matrix stage into needs of all its copies. */
function connect(reader: Reader, written: readonly WrittenStage[]): readonly StageDefinition[] {
  // Before anything that takes longer the more there are.
  if (isTooMany(reader, written, written.length)) return [];
  const names = written.map(({ definition }) => definition.name);
  for (const { definition, needs } of written) {
    for (const { name, node } of needs) {
      if (names.includes(name)) continue;
      reader.note(
        node,
        `"${shown(definition.name)}" needs "${shown(name)}", which is no stage`,
        `The stages are ${names.map(shown).join(', ')}`,
        didYouMean(name, names),
      );
    }
  }
  let open = written.map(({ definition }) => definition);
  for (let cycle = findCycle(open); cycle !== undefined; cycle = findCycle(open)) {
    const told = new Set(cycle);
    open = open.filter(({ name }) => !told.has(name));
    const first = written.find(({ definition }) => definition.name === cycle[0]);
    reader.note(
      first?.key,
      `Stages wait for each other: ${cycle.map(shown).join(' -> ')}`,
      'None of them could ever start',
      'Remove one of these needs',
    );
  }
  checkArtifacts(reader, written);
  const copies = new Map(written.map((stage) => [stage.definition.name, spread(reader, stage)]));
  const stages = [...copies.values()].flat().map((stage) => ({
    ...stage,
    needs: stage.needs.flatMap((need) => copies.get(need)?.map(({ name }) => name) ?? []),
  }));
  if (isTooMany(reader, written, stages.length)) return [];
  const twice = stages.find((stage, index) => stages.findIndex(({ name }) => name === stage.name) !== index);
  if (twice !== undefined)
    reader.note(
      written[0]?.key,
      `Two stages are called "${shown(twice.name)}"`,
      'A matrix makes names by adding its values',
      'Rename one of them',
    );
  return stages;
}

function checkArtifacts(reader: Reader, written: readonly WrittenStage[]): void {
  const nodes = written.map(({ definition }) => definition);
  const makers = new Map<string, string>();
  for (const { definition, key, matrix } of written) {
    for (const { name } of definition.artifactsOut) {
      const other = makers.get(name);
      if (other !== undefined)
        reader.note(
          key,
          `The artifact "${shown(name)}" is made twice`,
          `"${shown(other)}" makes it too`,
          'Give it another name',
        );
      if (Object.keys(matrix).length > 0)
        reader.note(
          key,
          `The artifact "${shown(name)}" is made by a matrix`,
          'Each copy would make one of that name',
          'Make it in a stage without a matrix',
        );
      makers.set(name, definition.name);
    }
  }
  for (const { definition, artifactsIn } of written) {
    const before = allNeeds(nodes, definition.name);
    for (const { name, node } of artifactsIn) {
      const maker = makers.get(name);
      if (maker === undefined) {
        reader.note(
          node,
          `No stage makes the artifact "${shown(name)}"`,
          makers.size === 0 ? 'No stage makes any' : `There are ${[...makers.keys()].join(', ')}`,
          didYouMean(name, [...makers.keys()]),
        );
      } else if (!before.has(maker)) {
        reader.note(
          node,
          `"${shown(definition.name)}" takes "${shown(name)}" before it is made`,
          `"${shown(maker)}" makes it`,
          `Add "${shown(maker)}" to its needs`,
        );
      }
    }
  }
}

function wholeFile(what: string, why: string, fix: string): Mistake {
  return { line: 1, column: 1, what, why, fix };
}

function sorted(mistakes: readonly Mistake[]): readonly Mistake[] {
  return mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
