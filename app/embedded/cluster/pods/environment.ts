import { parseQuantity } from '../../../../engine/kubernetes/quantity.ts';
import type { Container, Pod } from '../objects/pod.ts';
import type { Objects } from '../store/objects.ts';
import { Variables } from './expansion.ts';
import type { MountPaths } from './mount-paths.ts';
import { PodFault } from './pod-fault.ts';
import { podField } from './pod-fields.ts';
import type { PodFolder } from './pod-folder.ts';
import { portVariables } from './ports.ts';
import type { ShimContainer } from './shim-protocol.ts';

type Variable = NonNullable<Container['env']>[number];

/** What a container's start depends on. */
export interface ContainerSetting {
  readonly pod: Pod;
  readonly container: Container;
  readonly folder: PodFolder;
  readonly paths: MountPaths;
  /** Local ports by containerPort. */
  readonly ports: ReadonlyMap<number, number>;
  readonly objects: Objects;
}

/** Turns a container's description into what the shim starts. @throws PodFault */
export function localContainer(setting: ContainerSetting): ShimContainer {
  const { container, paths, folder } = setting;
  const variables = variablesOf(setting);
  const words = [...(container.command ?? []), ...(container.args ?? [])];
  if (container.command === undefined || container.command.length === 0) {
    throw new PodFault(
      'CreateContainerConfigError',
      `container ${JSON.stringify(container.name)}: images are not used here, so the command of the image is not known: give a command (\`kubectl run\`: --command before the --)`,
    );
  }
  const { workingDir } = container;
  return {
    name: container.name,
    argv: words.map((word) => variables.localText(word)),
    workingFolder: workingDir === undefined ? folder.home : (paths.translated(workingDir) ?? workingDir),
    environment: variables.entries(),
    tellsOutput: container.terminationMessagePolicy === 'FallbackToLogsOnError',
  };
}

/** How this machine reaches others: an image would bring its own, and here there is none. */
const network = [
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
  ...[
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'NODE_EXTRA_CA_CERTS',
    'REQUESTS_CA_BUNDLE',
    'CURL_CA_BUNDLE',
    'GIT_SSL_CAINFO',
    'PIP_CERT',
  ],
  ...['GOPROXY', 'GOSUMDB', 'PIP_INDEX_URL', 'npm_config_registry', 'JAVA_HOME'],
] as const;

/** This machine's variables that every container gets; nothing else of this process's environment reaches one. */
function basics(folder: PodFolder, name: string): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', LANG = 'C.UTF-8' } = process.env;
  const reach = network.flatMap((variable): [string, string][] => {
    const value = process.env[variable];
    return value === undefined ? [] : [[variable, value]];
  });
  return { ...Object.fromEntries(reach), PATH, LANG, HOME: folder.home, TMPDIR: folder.temporary, HOSTNAME: name };
}

function variablesOf({ pod, container, folder, paths, ports, objects }: ContainerSetting): Variables {
  const variables = new Variables(paths);
  for (const [name, value] of Object.entries(basics(folder, pod.metadata.name))) variables.setLiteral(name, value);
  if (pod.spec.enableServiceLinks) {
    for (const [name, value] of serviceLinks(objects, pod.metadata.namespace ?? '')) variables.setLiteral(name, value);
  }
  for (const source of container.envFrom ?? []) {
    for (const [key, value] of Object.entries(sourceOf(objects, pod, source))) {
      variables.setLiteral(`${source.prefix ?? ''}${key}`, value);
    }
  }
  const local = portVariables(container, ports);
  for (const [name, value] of Object.entries(local)) variables.setLiteral(name, value);
  for (const variable of container.env ?? []) {
    if (Object.hasOwn(local, variable.name)) continue;
    if (variable.valueFrom === undefined) {
      variables.set(variable.name, variable.value ?? '');
      continue;
    }
    const value = referredValue(objects, pod, container, variable);
    if (value !== undefined) variables.setLiteral(variable.name, value);
  }
  return variables;
}

function referredValue(
  objects: Objects,
  pod: Pod,
  container: Container,
  { name, valueFrom = {} }: Variable,
): string | undefined {
  const { fieldRef, secretKeyRef, configMapKeyRef, resourceFieldRef } = valueFrom;
  if (fieldRef !== undefined) {
    const value = podField(pod, fieldRef.fieldPath);
    if (value !== undefined) return value;
    throw new PodFault('CreateContainerConfigError', `variable ${name}: unsupported fieldPath: ${fieldRef.fieldPath}`);
  }
  if (resourceFieldRef !== undefined) return resourceText(container, resourceFieldRef.resource);
  const reference = secretKeyRef ?? configMapKeyRef;
  if (reference === undefined) return undefined;
  const kind = secretKeyRef === undefined ? 'configmap' : 'secret';
  const data = dataOf(objects, pod, kind, reference.name);
  const value = data?.[reference.key];
  if (value !== undefined || reference.optional === true) return value?.toString('utf8');
  const why =
    data === undefined
      ? `${kind} "${reference.name}" not found`
      : `couldn't find key ${reference.key} in ${kind} ${reference.name}`;
  throw new PodFault('CreateContainerConfigError', why);
}

function resourceText(container: Container, resource: string): string {
  const [kind, name = ''] = resource.split('.');
  const quantities = kind === 'limits' ? container.resources.limits : container.resources.requests;
  const quantity = quantities?.[name];
  return quantity === undefined ? '0' : String(Math.ceil(parseQuantity(quantity)));
}

function sourceOf(
  objects: Objects,
  pod: Pod,
  { secretRef, configMapRef }: NonNullable<Container['envFrom']>[number],
): Record<string, string> {
  const reference = secretRef ?? configMapRef;
  if (reference === undefined) return {};
  const kind = secretRef === undefined ? 'configmap' : 'secret';
  const data = dataOf(objects, pod, kind, reference.name);
  if (data === undefined && reference.optional !== true) {
    throw new PodFault('CreateContainerConfigError', `${kind} "${reference.name}" not found`);
  }
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, value.toString('utf8')]));
}

/** The content of a secret or config map, or undefined where there is none of that name. */
export function dataOf(
  objects: Objects,
  pod: Pod,
  kind: 'secret' | 'configmap',
  name: string,
): Record<string, Buffer> | undefined {
  const namespace = pod.metadata.namespace ?? '';
  const decode = (data: Readonly<Record<string, string>> = {}): Record<string, Buffer> =>
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
  if (kind === 'secret') {
    const secret = objects.secrets.find(namespace, name);
    return secret === undefined ? undefined : decode(secret.data);
  }
  const map = objects.configMaps.find(namespace, name);
  if (map === undefined) return undefined;
  const texts = Object.entries(map.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
  return { ...Object.fromEntries(texts), ...decode(map.binaryData) };
}

/** `<SERVICE>_SERVICE_HOST` and `_PORT`: there is no DNS of the cluster here, so these are how pods find Services. */
function serviceLinks(objects: Objects, namespace: string): [string, string][] {
  return objects.services.list(namespace).flatMap(({ metadata, spec }): [string, string][] => {
    const port = spec.ports?.[0]?.nodePort;
    const prefix = metadata.name.toUpperCase().replaceAll('-', '_');
    return port === undefined
      ? []
      : [
          [`${prefix}_SERVICE_HOST`, '127.0.0.1'],
          [`${prefix}_SERVICE_PORT`, String(port)],
        ];
  });
}
