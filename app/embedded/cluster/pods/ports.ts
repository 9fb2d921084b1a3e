import { createServer } from 'node:net';
import { z } from 'zod';
import { jsonIn } from '../../../../engine/json-in.ts';
import type { IntOrString } from '../objects/meta.ts';
import type { Container, Pod } from '../objects/pod.ts';

/** Annotation of a pod: the local port of each containerPort, as JSON. */
export const localPortsAnnotation = 'slipway.dev/local-ports';

const LocalPorts = z.record(z.string().regex(/^\d+$/), z.number().int());

/** Below the range from which the system gives ports to outgoing connections. */
const first = 20_000;
const count = 10_000;

/**
 * THE PORT RULE. Pods are local processes, so two replicas cannot both bind their containerPort: each containerPort of a
 * pod gets a free port of this machine. A container learns its port by the variable PORT: the local port of the
 * containerPort that its own variable PORT names, or of its first containerPort where it sets no PORT. Every other
 * containerPort's local port is in `PORT_<containerPort>`. Probes and Services go to the local ports. A program that
 * binds a fixed port (its variable PORT is none of its containerPorts, or it has no ports declared) is left alone.
 */
export function portVariables(container: Container, ports: ReadonlyMap<number, number>): Record<string, string> {
  const stated = container.env?.find(({ name }) => name === 'PORT');
  const declared = (container.ports ?? []).map(({ containerPort }) => containerPort);
  const main = stated === undefined ? declared[0] : declared.find((port) => String(port) === stated.value);
  const variables: Record<string, string> = {};
  for (const port of declared) {
    const local = ports.get(port);
    if (local === undefined) continue;
    variables[`PORT_${port}`] = String(local);
    if (port === main) variables['PORT'] = String(local);
  }
  return variables;
}

/** Whether a container leaves the choice of its port to this cluster. */
function isMovable(container: Container): boolean {
  const stated = container.env?.find(({ name }) => name === 'PORT');
  return stated === undefined || (container.ports ?? []).some((port) => String(port.containerPort) === stated.value);
}

/** Chooses a free local port for each containerPort of a pod; `taken` are chosen ones that may not be bound yet. */
export async function chooseLocalPorts(pod: Pod, taken: ReadonlySet<number>): Promise<Map<number, number>> {
  const chosen = new Map<number, number>();
  for (const container of pod.spec.containers) {
    for (const { containerPort } of container.ports ?? []) {
      const used = new Set([...taken, ...chosen.values()]);
      chosen.set(containerPort, isMovable(container) ? await freePort(used) : containerPort);
    }
  }
  return chosen;
}

async function freePort(taken: ReadonlySet<number>): Promise<number> {
  const start = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
  for (let step = 0; step < count; step += 1) {
    const port = first + ((start + step) % count);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`No port from ${first} to ${first + count - 1} is free on this machine`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The local ports that a pod was given, by containerPort. */
export function localPortsOf(pod: Pod): ReadonlyMap<number, number> {
  const text = pod.metadata.annotations?.[localPortsAnnotation];
  if (text === undefined) return new Map();
  // Someone else may have written the annotation; it then names no ports.
  const parsed = LocalPorts.safeParse(jsonIn(text));
  return new Map(Object.entries(parsed.data ?? {}).map(([port, local]) => [Number(port), local]));
}

export function printLocalPorts(ports: ReadonlyMap<number, number>): string {
  return JSON.stringify(Object.fromEntries(ports));
}

/** The local port that a port's number or name means in a pod: of a probe, or of a Service's target. */
export function resolvePort(
  pod: Pod,
  port: IntOrString,
  containers: readonly Container[] = pod.spec.containers,
): number | undefined {
  const declared = containers.flatMap((container) => container.ports ?? []);
  const number = typeof port === 'number' ? port : declared.find(({ name }) => name === port)?.containerPort;
  return number === undefined ? undefined : (localPortsOf(pod).get(number) ?? number);
}
