import { isMap, type Node } from 'yaml';
import type { DeployTarget } from '../core/pipeline.ts';
import { readEnv } from './env.ts';
import { type Field, given, type Reader, readImage } from './reader.ts';
import { parseDuration } from './units.ts';

/** What a stage runs in that names no image. */
export const defaultImage = 'slipway/base';

/** A deploy as written: its service may yet have to be named after the repository. */
export type WrittenDeploy = Omit<DeployTarget, 'service'> & { readonly service?: string };

/** @returns undefined where a mistake leaves nothing to deploy or nowhere to deploy it */
export function readDeploy(reader: Reader, node: Node | null, what: string): WrittenDeploy | undefined {
  let environment: string | undefined;
  let artifact: string | undefined;
  let image: string | undefined;
  let command: readonly string[] | undefined;
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

  const fields: Readonly<Record<string, Field>> = {
    environment: (value) =>
      given(reader.parsed(value, `environment of ${what}`, label, 'production'), (it) => (environment = it)),
    artifact: (value) => given(reader.text(value, `artifact of ${what}`), (it) => (artifact = it)),
    image: (value) => given(readImage(reader, value, what), (it) => (image = it)),
    command: (value) => given(reader.texts(value, `command of ${what}`), (it) => (command = it)),
    service: (value) => given(reader.parsed(value, `service of ${what}`, label, 'web'), (it) => (service = it)),
    port: (value) => given(reader.integer(value, `port of ${what}`, { from: 1, to: 65_535 }), (it) => (port = it)),
    replicas: (value) =>
      given(reader.integer(value, `replicas of ${what}`, { from: 1, to: 100 }), (it) => (replicas = it)),
    env: (value) => (env = readEnv(reader, value, `env of ${what}`)),
    ready: (value) => given(reader.parsed(value, `ready of ${what}`, path, '/healthz'), (it) => (readyPath = it)),
    readyWithin: (value) =>
      given(reader.parsed(value, `readyWithin of ${what}`, parseDuration, '120s'), (it) => (readyWithinMs = it)),
    onNotReady: (value) =>
      given(reader.oneOf(value, `onNotReady of ${what}`, ['rollback', 'hold'] as const), (it) => (onNotReady = it)),
    smoke: (value) =>
      reader.fields(value, `smoke of ${what}`, {
        path: (it) =>
          given(
            reader.parsed(it, `path of smoke of ${what}`, path, '/'),
            (smokePath) => (smoke = { ...smoke, path: smokePath }),
          ),
        status: (it) =>
          given(
            reader.integer(it, `status of smoke of ${what}`, { from: 100, to: 599 }),
            (expectStatus) => (smoke = { ...smoke, expectStatus }),
          ),
        timeout: (it) =>
          given(
            reader.parsed(it, `timeout of smoke of ${what}`, parseDuration, '10s'),
            (timeoutMs) => (smoke = { ...smoke, timeoutMs }),
          ),
      }),
  };
  reader.fields(node, what, fields);
  if (!isMap(node)) return undefined;
  // A key that is there and could not be read, or that no key is called like, is told already: it is not missing too.
  const hasStray = node.items.some(({ key }) => !Object.hasOwn(fields, String(key)));
  const isMissing = (key: string) => !hasStray && !node.has(key);
  if (environment === undefined && isMissing('environment'))
    reader.note(
      node,
      `${what} names no environment`,
      'A deploy goes to an environment',
      'Add `environment: production`',
    );
  const source = sourceOf(reader, node, what, { artifact, image, command, isMissing });
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
    isMissing,
  }: {
    readonly artifact: string | undefined;
    readonly image: string | undefined;
    readonly command: readonly string[] | undefined;
    readonly isMissing: (key: string) => boolean;
  },
): DeployTarget['source'] | undefined {
  if (artifact !== undefined) {
    if (command !== undefined && command.length > 0)
      return { type: 'artifact', name: artifact, image: image ?? defaultImage, command };
    if (command !== undefined || isMissing('command'))
      reader.note(
        node,
        `${what} has no command`,
        'An artifact is started by a command',
        'Add for example `command: [node, server.js]`',
      );
    return undefined;
  }
  if (image === undefined) {
    if (isMissing('artifact') && isMissing('image'))
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
