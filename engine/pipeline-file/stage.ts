import picomatch from 'picomatch';
import { isMap, isSeq, type Node } from 'yaml';
import type {
  ArtifactOutput,
  Condition,
  DeployTarget,
  ReportOutput,
  Resources,
  StageDefinition,
  StageKind,
  TriggerRule,
} from '../core/pipeline.ts';
import { isNode, type Reader, shown } from './reader.ts';
import { parseCpu, parseDuration, parseMemory, parseWorkspacePath } from './units.ts';

export const events = [
  'push',
  'pull_request',
  'tag',
  'manual',
  'schedule',
] as const satisfies readonly TriggerRule['event'][];
const kinds = ['build', 'test', 'deploy', 'verify'] as const satisfies readonly StageKind[];

export const defaultImage = 'slipway/base';
export const defaultTimeoutMs = 30 * 60_000;
export const defaultResources: Resources = { cpuMillicores: 1_000, memoryBytes: 2 ** 30 };
const maxTimeoutMs = 6 * 3_600_000;
const maxMatrix = 64;
const poolShape = /^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$/;
const nameShape = /^[A-Za-z0-9][A-Za-z0-9 ._\-(),=/]{0,79}$/;

/** A stage as written, with the places its mistakes will point at. */
export interface WrittenStage {
  readonly key: Node;
  readonly needs: readonly { readonly name: string; readonly node: Node | null }[];
  readonly artifactsIn: readonly { readonly name: string; readonly node: Node | null }[];
  readonly definition: StageDefinition;
  readonly matrix: Readonly<Record<string, readonly string[]>>;
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
  deploy?: Omit<DeployTarget, 'service'> & { readonly service?: string };
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
    kind: (value) => set(reader.oneOf(value, `kind of ${what}`, kinds), (kind) => (draft.kind = kind)),
    needs: (value) => (needs = named(reader, value, `needs of ${what}`)),
    image: (value) => set(reader.text(value, `image of ${what}`), (image) => (draft.image = image)),
    commands: (value) => set(reader.texts(value, `commands of ${what}`), (commands) => (draft.commands = commands)),
    env: (value) => (draft.env = readEnv(reader, value, `env of ${what}`)),
    timeout: (value) =>
      set(reader.parsed(value, `timeout of ${what}`, parseDuration, '10m'), (timeoutMs) => {
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
      set(reader.integer(value, `retries of ${what}`, { from: 0, to: 5 }), (retries) => (draft.retries = retries)),
    resources: (value) => (draft.resources = readResources(reader, value, `resources of ${what}`)),
    pool: (value) =>
      set(
        pools === undefined
          ? reader.parsed(value, `pool of ${what}`, (text) => (poolShape.test(text) ? text : undefined), 'heavy')
          : reader.oneOf(value, `pool of ${what}`, pools),
        (pool) => (draft.pool = pool),
      ),
    reports: (value) => (draft.reports = readReports(reader, value, `reports of ${what}`)),
    matrix: (value) => (matrix = readMatrix(reader, value, `matrix of ${what}`)),
    artifacts: (value) =>
      reader.fields(value, `artifacts of ${what}`, {
        in: (list) => (artifactsIn = named(reader, list, `artifacts taken by ${what}`)),
        out: (outputs) => (draft.artifactsOut = readOutputs(reader, outputs, `artifacts made by ${what}`)),
      }),
    when: (value) => (draft.when = readCondition(reader, value, `when of ${what}`)),
    deploy: (value) => set(readDeploy(reader, value, `deploy of ${what}`), (deploy) => (draft.deploy = deploy)),
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

/** A DNS label made of a repository's name. */
export function serviceName(repositoryName: string): string {
  return (
    repositoryName
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 50) || 'service'
  );
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

/** @throws nothing: each problem is a mistake */
export function spread(reader: Reader, { definition, matrix, key }: WrittenStage): readonly StageDefinition[] {
  const axes = Object.entries(matrix);
  if (axes.length === 0) return [definition];
  const size = axes.reduce((product, [, values]) => product * values.length, 1);
  if (size > maxMatrix) {
    reader.note(
      key,
      `The matrix of "${shown(definition.name)}" makes ${size} stages`,
      `At most ${maxMatrix} are made of one stage`,
      'Leave out values, or split the stage',
    );
    return [definition];
  }
  let cells: (readonly (readonly [string, string])[])[] = [[]];
  for (const [axis, values] of axes)
    cells = cells.flatMap((cell) => values.map((value) => [...cell, [axis, value] as const]));
  return cells.map((cell) => ({
    ...definition,
    name: `${definition.name} (${cell.map(([axis, value]) => `${axis}=${value}`).join(', ')})`,
    image: cell.reduce((image, [axis, value]) => image.replaceAll(`\${${axis}}`, value), definition.image),
    env: {
      ...Object.fromEntries(cell.map(([axis, value]) => [axis.toUpperCase().replaceAll('-', '_'), value])),
      ...definition.env,
    },
  }));
}

function set<T>(value: T | undefined, use: (value: T) => void): void {
  if (value !== undefined) use(value);
}

function named(
  reader: Reader,
  node: Node | null,
  what: string,
): readonly { readonly name: string; readonly node: Node | null }[] {
  if (!isSeq(node)) return (reader.texts(node, what) ?? []).map((name) => ({ name, node }));
  return node.items.flatMap((item) => {
    const itemNode = isNode(item) ? item : null;
    const name = reader.text(itemNode, `an entry of ${what}`);
    return name === undefined ? [] : [{ name, node: itemNode }];
  });
}

function readEnv(reader: Reader, node: Node | null, what: string): Record<string, string> {
  const map = reader.map(node, what);
  const env: Record<string, string> = {};
  for (const { key, value, name } of map === undefined ? [] : reader.entries(map, what)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      reader.note(key, `"${shown(name)}" cannot name a variable`, 'Names have letters, digits and _', 'Rename it');
    } else if (name.startsWith('SLIPWAY_')) {
      reader.note(key, `${name} is reserved`, 'Slipway sets the variables that begin with SLIPWAY_', 'Rename it');
    } else set(reader.text(value, `${name} in ${what}`), (text) => (env[name] = text));
  }
  return env;
}

function readResources(reader: Reader, node: Node | null, what: string): Resources {
  let { cpuMillicores, memoryBytes } = defaultResources;
  reader.fields(node, what, {
    cpu: (value) => set(reader.parsed(value, `cpu of ${what}`, parseCpu, '500m or 2'), (it) => (cpuMillicores = it)),
    memory: (value) =>
      set(reader.parsed(value, `memory of ${what}`, parseMemory, '512Mi or 2Gi'), (it) => (memoryBytes = it)),
  });
  return { cpuMillicores, memoryBytes };
}

function readReports(reader: Reader, node: Node | null, what: string): readonly ReportOutput[] {
  const reports: ReportOutput[] = [];
  reader.fields(node, what, {
    junit: (value) => {
      for (const path of named(reader, value, `junit in ${what}`)) {
        if (parseWorkspacePath(path.name) === undefined) noteOutside(reader, path.node, path.name);
        else reports.push({ format: 'junit', path: path.name.replace(/^\.\//, '') });
      }
    },
  });
  return reports;
}

function readOutputs(reader: Reader, node: Node | null, what: string): readonly ArtifactOutput[] {
  const map = reader.map(node, what);
  return (map === undefined ? [] : reader.entries(map, what)).flatMap(({ key, value, name }) => {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
      reader.note(key, `"${shown(name)}" cannot name an artifact`, 'Names have letters, digits and . _ -', 'Rename it');
    }
    const text = reader.text(value, `path of artifact "${shown(name)}"`);
    if (text === undefined) return [];
    const path = text === '.' ? '.' : parseWorkspacePath(text);
    if (path !== undefined) return [{ name, path }];
    noteOutside(reader, value, text);
    return [];
  });
}

function noteOutside(reader: Reader, node: Node | null, path: string): void {
  reader.note(
    node,
    `"${shown(path)}" is no path in the workspace`,
    'Paths are relative and never leave the repository',
    'Write it relative to the repository, without ..',
  );
}

function readMatrix(reader: Reader, node: Node | null, what: string): Record<string, readonly string[]> {
  const map = reader.map(node, what);
  const axes: Record<string, readonly string[]> = {};
  for (const { key, value, name } of map === undefined ? [] : reader.entries(map, what)) {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,30}$/.test(name))
      reader.note(key, `"${shown(name)}" cannot name an axis`, 'Axes have letters, digits, _ and -', 'Rename it');
    const values = reader.texts(value, `${shown(name)} in ${what}`);
    if (values?.length === 0)
      reader.note(
        value,
        `The axis "${shown(name)}" has no values`,
        'A stage is made for each value',
        'List at least one value',
      );
    else set(values, (it) => (axes[name] = [...new Set(it)]));
  }
  return axes;
}

function readCondition(reader: Reader, node: Node | null, what: string): Condition {
  let condition: Condition = {};
  reader.fields(node, what, {
    events: (value) => {
      const list = named(reader, value, `events of ${what}`).flatMap(
        ({ node: item }) => reader.oneOf(item, 'event', events) ?? [],
      );
      condition = { ...condition, events: list };
    },
    branches: (value) =>
      set(globs(reader, value, `branches of ${what}`), (branches) => (condition = { ...condition, branches })),
    paths: (value) => set(globs(reader, value, `paths of ${what}`), (paths) => (condition = { ...condition, paths })),
    after: (value) =>
      set(
        reader.oneOf(value, `after of ${what}`, ['success', 'failure', 'always'] as const),
        (after) => (condition = { ...condition, after }),
      ),
  });
  return condition;
}

export function globs(reader: Reader, node: Node | null, what: string): readonly string[] | undefined {
  const list = named(reader, node, what);
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

function readDeploy(reader: Reader, node: Node | null, what: string): Draft['deploy'] | undefined {
  let environment: string | undefined;
  let artifact: string | undefined;
  let image: string | undefined;
  let command: readonly string[] = [];
  let service: string | undefined;
  let port = 8_080;
  let replicas = 1;
  let env: Record<string, string> = {};
  let readyPath = '/';
  let readyWithinMs = 120_000;
  let onNotReady: DeployTarget['onNotReady'] = 'rollback';
  let smoke: DeployTarget['smoke'] = { path: '/', expectStatus: 200, timeoutMs: 10_000 };
  const path = (text: string) => (/^\/[^\s]*$/.test(text) ? text : undefined);
  const label = (text: string) => (/^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$/.test(text) ? text : undefined);

  reader.fields(node, what, {
    environment: (value) =>
      set(reader.parsed(value, `environment of ${what}`, label, 'production'), (it) => (environment = it)),
    artifact: (value) => set(reader.text(value, `artifact of ${what}`), (it) => (artifact = it)),
    image: (value) => set(reader.text(value, `image of ${what}`), (it) => (image = it)),
    command: (value) => set(reader.texts(value, `command of ${what}`), (it) => (command = it)),
    service: (value) => set(reader.parsed(value, `service of ${what}`, label, 'web'), (it) => (service = it)),
    port: (value) => set(reader.integer(value, `port of ${what}`, { from: 1, to: 65_535 }), (it) => (port = it)),
    replicas: (value) =>
      set(reader.integer(value, `replicas of ${what}`, { from: 1, to: 100 }), (it) => (replicas = it)),
    env: (value) => (env = readEnv(reader, value, `env of ${what}`)),
    ready: (value) => set(reader.parsed(value, `ready of ${what}`, path, '/healthz'), (it) => (readyPath = it)),
    readyWithin: (value) =>
      set(reader.parsed(value, `readyWithin of ${what}`, parseDuration, '120s'), (it) => (readyWithinMs = it)),
    onNotReady: (value) =>
      set(reader.oneOf(value, `onNotReady of ${what}`, ['rollback', 'hold'] as const), (it) => (onNotReady = it)),
    smoke: (value) =>
      reader.fields(value, `smoke of ${what}`, {
        path: (it) =>
          set(
            reader.parsed(it, `path of smoke of ${what}`, path, '/'),
            (smokePath) => (smoke = { ...smoke, path: smokePath }),
          ),
        status: (it) =>
          set(
            reader.integer(it, `status of smoke of ${what}`, { from: 100, to: 599 }),
            (expectStatus) => (smoke = { ...smoke, expectStatus }),
          ),
        timeout: (it) =>
          set(
            reader.parsed(it, `timeout of smoke of ${what}`, parseDuration, '10s'),
            (timeoutMs) => (smoke = { ...smoke, timeoutMs }),
          ),
      }),
  });
  if (!isMap(node)) return undefined;
  if (environment === undefined)
    reader.note(
      node,
      `${what} names no environment`,
      'A deploy goes to an environment',
      'Add `environment: production`',
    );
  const source = sourceOf(reader, node, what, { artifact, image, command });
  if (source === undefined || environment === undefined) return undefined;
  return {
    environment,
    source,
    port,
    replicas,
    env,
    readyPath,
    readyWithinMs,
    onNotReady,
    smoke,
    ...(service === undefined ? {} : { service }),
  };
}

function sourceOf(
  reader: Reader,
  node: Node,
  what: string,
  {
    artifact,
    image,
    command,
  }: { readonly artifact: string | undefined; readonly image: string | undefined; readonly command: readonly string[] },
): DeployTarget['source'] | undefined {
  if (artifact !== undefined) {
    if (command.length > 0) return { type: 'artifact', name: artifact, image: image ?? defaultImage, command };
    reader.note(
      node,
      `${what} has no command`,
      'An artifact is started by a command',
      'Add for example `command: [node, server.js]`',
    );
    return undefined;
  }
  if (image === undefined) {
    reader.note(
      node,
      `${what} has nothing to deploy`,
      'It takes an artifact of the run, or an image by digest',
      'Add `artifact: app` or `image: name@sha256:...`',
    );
    return undefined;
  }
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return { type: 'image', image };
  reader.note(
    node,
    `The image of ${what} has no digest`,
    'Tags move, so what was tested and what is deployed could differ',
    'Write it as name@sha256:<64 hexadecimal digits>',
  );
  return undefined;
}
