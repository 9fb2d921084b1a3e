import { connect, createServer, type Server, type Socket } from 'node:net';
import { localAddressAnnotation } from '../controllers/admission.ts';
import { readyPods, targetPort } from '../controllers/ready-pods.ts';
import type { Logger } from '../log.ts';
import { keyOfObject } from '../objects/meta.ts';
import type { Service, ServicePort } from '../objects/network.ts';
import type { Objects } from '../store/objects.ts';

const connectMs = 2_000;
const retryMs = 1_000;

interface Listener {
  readonly server: Server;
  readonly nodePort: number;
}

/**
 * Gives each port of each Service a port on 127.0.0.1 and passes connections on to ready pods in turn. A pod that does
 * not take a connection is passed over; without any ready pod a connection is refused by closing it.
 */
export class ServiceProxy {
  readonly #objects: Objects;
  readonly #log: Logger;
  readonly #listeners = new Map<string, Listener>();
  readonly #sockets = new Set<Socket>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #turn = 0;
  #leave: (() => void) | undefined;

  constructor(objects: Objects, log: Logger) {
    this.#objects = objects;
    this.#log = log;
  }

  start(): void {
    for (const service of this.#objects.services.list()) this.#follow(service);
    this.#leave = this.#objects.services.subscribe({
      changed: ({ type, object }) => {
        if (type === 'DELETED') this.#drop(keyOfObject(object), new Set());
        else this.#follow(object);
      },
    });
  }

  async stop(): Promise<void> {
    this.#leave?.();
    for (const timer of this.#retries) clearTimeout(timer);
    const closed = [...this.#listeners.values()].map(
      ({ server }) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #follow(service: Service): void {
    const wanted = new Set<string>();
    for (const port of service.spec.ports ?? []) {
      if (port.nodePort === undefined) continue;
      const id = `${keyOfObject(service)}/${port.port}`;
      wanted.add(`${id}/${port.nodePort}`);
      if (!this.#listeners.has(`${id}/${port.nodePort}`)) this.#listen(id, service, port, port.nodePort);
    }
    this.#drop(keyOfObject(service), wanted);
  }

  #drop(service: string, wanted: ReadonlySet<string>): void {
    for (const [id, { server }] of this.#listeners) {
      if (!id.startsWith(`${service}/`) || wanted.has(id)) continue;
      server.close();
      this.#listeners.delete(id);
    }
  }

  #listen(id: string, service: Service, port: ServicePort, nodePort: number): void {
    const [namespace, name] = [service.metadata.namespace ?? '', service.metadata.name];
    const server = createServer({ allowHalfOpen: true }, (client) => {
      this.#sockets.add(client);
      client.on('close', () => this.#sockets.delete(client));
      client.on('error', () => client.destroy());
      const present = this.#objects.services.find(namespace, name);
      const portNow = present?.spec.ports?.find((each) => each.port === port.port);
      if (present === undefined || portNow === undefined) client.destroy();
      else void this.#passOn(client, present, portNow);
    });
    server.on('error', (error) => {
      this.#listeners.delete(`${id}/${nodePort}`);
      this.#log.warn({ err: error, service: name, nodePort }, "A Service's local port is taken: it gets another");
      const timer = setTimeout(() => {
        this.#retries.delete(timer);
        this.#moveOn(namespace, name, nodePort);
      }, retryMs * Math.random());
      this.#retries.add(timer);
    });
    this.#listeners.set(`${id}/${nodePort}`, { server, nodePort });
    server.listen({ port: nodePort, host: '127.0.0.1' });
    server.unref();
  }

  /** Chooses another local port where something else of this machine has the one chosen before. */
  #moveOn(namespace: string, name: string, taken: number): void {
    const service = this.#objects.services.find(namespace, name);
    if (service === undefined) return;
    const used = new Set(
      this.#objects.services.list().flatMap(({ spec }) => (spec.ports ?? []).map((port) => port.nodePort)),
    );
    let next = taken;
    do next = next >= 32_767 ? 30_000 : next + 1;
    while (used.has(next) && next !== taken);
    const ports = (service.spec.ports ?? []).map((port) =>
      port.nodePort === taken ? { ...port, nodePort: next } : port,
    );
    const annotations = {
      ...service.metadata.annotations,
      [localAddressAnnotation]: `127.0.0.1:${ports[0]?.nodePort}`,
    };
    this.#objects.services.replace({
      ...service,
      metadata: { ...service.metadata, annotations },
      spec: { ...service.spec, ports },
    });
  }

  async #passOn(client: Socket, service: Service, port: ServicePort): Promise<void> {
    const locals = readyPods(this.#objects, service).flatMap((pod) => targetPort(pod, port) ?? []);
    this.#turn += 1;
    for (let step = 0; step < locals.length; step += 1) {
      const local = locals[(this.#turn + step) % locals.length];
      const upstream = local === undefined ? undefined : await open(local);
      if (upstream === undefined) continue;
      if (client.destroyed) {
        upstream.destroy();
        return;
      }
      this.#sockets.add(upstream);
      upstream.on('error', () => client.destroy());
      upstream.on('close', () => {
        this.#sockets.delete(upstream);
        client.destroySoon();
      });
      client.on('close', () => upstream.destroySoon());
      client.pipe(upstream);
      upstream.pipe(client);
      return;
    }
    client.destroy();
  }
}

function open(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    const timer = setTimeout(() => end(undefined), connectMs);
    const fail = (): void => end(undefined);
    function end(result: Socket | undefined): void {
      clearTimeout(timer);
      socket.removeListener('error', fail);
      if (result === undefined) {
        socket.on('error', () => undefined);
        socket.destroy();
      }
      resolve(result);
    }
    socket.once('connect', () => end(socket));
    socket.once('error', fail);
  });
}
