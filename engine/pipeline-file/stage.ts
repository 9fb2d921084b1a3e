import { isMap, type Node } from 'yaml';
import type {
  ArtifactOutput,
  Condition,
  ReportOutput,
  Resources,
  StageDefinition,
  StageKind,
} from '../core/pipeline.ts';
import { readCondition } from './condition.ts';
import { defaultImage, readDeploy, serviceName, type WrittenDeploy } from './deploy.ts';
import { readEnv } from './env.ts';
import { type Matrix, readMatrix } from './matrix.ts';
import { readArtifacts, readReports } from './outputs.ts';
import { given, type Named, type Reader, readImage, shown } from './reader.ts';
import { defaultResources, readResources } from './resources.ts';
import { parseDuration } from './units.ts';

const kinds = ['build', 'test', 'deploy', 'verify'] as const satisfies readonly StageKind[];

const defaultTimeoutMs = 30 * 60_000;
const maxTimeoutMs = 6 * 3_600_000;
const poolShape = /^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$/;
const nameShape = /^[A-Za-z0-9][A-Za-z0-9 ._\-(),=/]{0,79}$/;

/** A stage as written, with the places its mistakes will point at. */
export interface WrittenStage {
  readonly key: Node;
  readonly needs: readonly Named[];
  readonly artifactsIn: readonly Named[];
  readonly definition: StageDefinition;
  readonly matrix: Matrix;
}

interface Draft {
  kind?: StageKind;
  image?: string;
  commands: readonly string[];
  env: Record<string, string>;
  timeoutMs: number;
  retries: number;
  resources: Resources;
  pool?: string;
  artifactsOut: readonly ArtifactOutput[];
  reports: readonly ReportOutput[];
  deploy?: WrittenDeploy;
  when: Condition;
}

/**
 * @param facts.repositoryName names the service of a deploy that gives no other name
 * @param facts.pools which pools there are; undefined where nobody can tell
 */
export function readStage(
  reader: Reader,
  name: string,
  key: Node,
  node: Node | null,
  { repositoryName, pools }: { readonly repositoryName: string; readonly pools: readonly string[] | undefined },
): WrittenStage | undefined {
  const what = `stage "${shown(name)}"`;
  if (!nameShape.test(name)) {
    reader.note(
      key,
      `"${shown(name)}" cannot name a stage`,
      'Names have letters, digits, spaces and . _ - ( ) , = /, at most 80 of them',
      'Choose a plainer name',
    );
  }
  const draft: Draft = {
    commands: [],
    env: {},
    timeoutMs: defaultTimeoutMs,
    retries: 0,
    resources: defaultResources,
    artifactsOut: [],
    reports: [],
    when: {},
  };
  let needs: WrittenStage['needs'] = [];
  let artifactsIn: WrittenStage['artifactsIn'] = [];
  let matrix: WrittenStage['matrix'] = {};

  const mistakesBefore = reader.mistakes.length;
  reader.fields(node, what, {
    kind: (value) => given(reader.oneOf(value, `kind of ${what}`, kinds), (kind) => (draft.kind = kind)),
    needs: (value) => (needs = reader.names(value, `needs of ${what}`)),
    image: (value) => given(readImage(reader, value, what), (image) => (draft.image = image)),
    commands: (value) => given(reader.texts(value, `commands of ${what}`), (commands) => (draft.commands = commands)),
    env: (value) => (draft.env = readEnv(reader, value, `env of ${what}`)),
    timeout: (value) =>
      given(reader.parsed(value, `timeout of ${what}`, parseDuration, '10m'), (timeoutMs) => {
        if (timeoutMs >= 1_000 && timeoutMs <= maxTimeoutMs) draft.timeoutMs = timeoutMs;
        else
          reader.note(
            value,
            `timeout of ${what} is out of bounds`,
            'It lies between 1s and 6h',
            'Write a time in between',
          );
      }),
    retries: (value) =>
      given(reader.integer(value, `retries of ${what}`, { from: 0, to: 5 }), (retries) => (draft.retries = retries)),
    resources: (value) => (draft.resources = readResources(reader, value, `resources of ${what}`)),
    pool: (value) =>
      given(
        pools === undefined
          ? reader.parsed(value, `pool of ${what}`, (text) => (poolShape.test(text) ? text : undefined), 'heavy')
          : reader.oneOf(value, `pool of ${what}`, pools),
        (pool) => (draft.pool = pool),
      ),
    reports: (value) => (draft.reports = readReports(reader, value, `reports of ${what}`)),
    matrix: (value) => (matrix = readMatrix(reader, value, `matrix of ${what}`)),
    artifacts: (value) =>
      reader.fields(value, `artifacts of ${what}`, {
        in: (list) => (artifactsIn = reader.names(list, `artifacts taken by ${what}`)),
        out: (outputs) => (draft.artifactsOut = readArtifacts(reader, outputs, `artifacts made by ${what}`)),
      }),
    when: (value) => (draft.when = readCondition(reader, value, `when of ${what}`)),
    deploy: (value) => given(readDeploy(reader, value, `deploy of ${what}`), (deploy) => (draft.deploy = deploy)),
  });
  if (isMap(node)) checkBody(reader, key, what, draft, reader.mistakes.length > mistakesBefore);
  const { deploy, image, kind, ...rest } = draft;
  const taken =
    deploy?.source.type === 'artifact' ? [...artifactsIn, { name: deploy.source.name, node: key }] : artifactsIn;
  return {
    key,
    needs,
    artifactsIn: taken,
    matrix,
    definition: {
      ...rest,
      name,
      kind:
        kind ??
        (deploy !== undefined
          ? 'deploy'
          : /\b(build|package|compile|image)\b/i.test(name)
            ? 'build'
            : /\bverif/i.test(name)
              ? 'verify'
              : 'test'),
      needs: needs.map((need) => need.name),
      image: image ?? defaultImage,
      artifactsIn: taken.map((artifact) => artifact.name),
      ...(deploy === undefined
        ? {}
        : { deploy: { ...deploy, service: deploy.service ?? serviceName(repositoryName) } }),
    },
  };
}

function checkBody(
  reader: Reader,
  key: Node,
  what: string,
  { commands, deploy, artifactsOut, reports }: Draft,
  hasMistakes: boolean,
): void {
  // What it does may be in the part that could not be read.
  if (deploy === undefined && commands.length === 0 && !hasMistakes) {
    reader.note(
      key,
      `${what} does nothing`,
      'A stage has `commands` or `deploy`',
      'Add commands, for example `commands: [npm test]`',
    );
  }
  if (deploy !== undefined && (commands.length > 0 || artifactsOut.length > 0 || reports.length > 0)) {
    reader.note(
      key,
      `${what} has \`deploy\` beside commands`,
      'A deploy stage is driven by Slipway and runs no commands',
      'Move the commands to a stage that this one needs',
    );
  }
}
