import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { systemErrorCode } from '../../../engine/system-error.ts';
import { serverIdentity } from './access/certificate.ts';
import { Gatekeeper } from './access/gatekeeper.ts';
import { kubeconfigText } from './access/kubeconfig.ts';
import { readIfPresent, writePrivate } from './access/private-file.ts';
import { TokenSigner } from './access/tokens.ts';
import { Discovery } from './api/discovery.ts';
import { ApiHandler } from './api/handler.ts';
import { ClusterSubresources } from './api/subresources.ts';
import { Writes } from './api/writes.ts';
import { ClusterAdmission } from './controllers/admission.ts';
import { bootstrap } from './controllers/bootstrap.ts';
import { startControllers } from './controllers/controllers.ts';
import { EventRecorder } from './controllers/events.ts';
import type { Logger } from './log.ts';
import { ServiceProxy } from './network/service-proxy.ts';
import { Kubelet } from './pods/kubelet.ts';
import { ClusterServer } from './server.ts';
import { ObjectDatabase } from './store/database.ts';
import { allCollections, openObjects } from './store/objects.ts';

export interface EmbeddedClusterOptions {
  /** Where everything is kept; only its owner may read it. Two clusters never share one. */
  readonly dataDir: string;
  /** Without one: that of the last start where it is free, else any. */
  readonly port?: number;
  readonly log: Logger;
  /** The wait before a container that failed twice starts again, in milliseconds; it doubles. Default 10 s. */
  readonly backoffMs?: number;
}

export interface EmbeddedCluster {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  readonly kubeconfigPath: string;
  kubeconfig(): string;
  /**
   * Stops serving. `leave` lets the pods go on: the next start takes them over. `end` deletes them first, with at most
   * the given time to end by themselves.
   */
  stop(options: { readonly pods: 'leave' } | { readonly pods: 'end'; readonly graceSeconds: number }): Promise<void>;
}

const Access = z.object({ token: z.string(), port: z.number().int() });
const endPollMs = 20;

/**
 * Starts a Kubernetes API on loopback whose pods are processes of this machine.
 * @throws Error when the folder is in use by another process, or the port is taken
 */
export async function startEmbeddedCluster(options: EmbeddedClusterOptions): Promise<EmbeddedCluster> {
  const { dataDir, log } = options;
  const now = (): Date => new Date();
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  chmodSync(dataDir, 0o700);
  const database = new ObjectDatabase(dataDir);
  const stopping = new AbortController();
  try {
    const identity = await serverIdentity(dataDir, now());
    const signer = await TokenSigner.open(dataDir);
    const objects = openObjects(database);
    const writes = new Writes(new ClusterAdmission(objects, now), now);
    bootstrap(objects, writes, now());
    const events = new EventRecorder(objects, now);
    const kubelet = new Kubelet({
      folder: join(dataDir, 'pods'),
      objects,
      signer,
      events,
      backoffMs: options.backoffMs ?? 10_000,
      log,
      now,
    });
    const api = new ApiHandler({
      objects,
      writes,
      discovery: new Discovery(allCollections(objects).map(({ resource }) => resource)),
      subresources: new ClusterSubresources({ objects, kubelet, signer, now, stopped: stopping.signal }),
      log,
      now,
      stopped: stopping.signal,
    });
    const accessFile = join(dataDir, 'access.json');
    const kept = readIfPresent(accessFile);
    const last = kept === undefined ? undefined : Access.parse(JSON.parse(kept));
    const token = last?.token ?? randomBytes(32).toString('base64url');
    const gatekeeper = new Gatekeeper(token);
    const parts = { identity, gatekeeper, signer, api, log };
    const server = await listenAgain(options.port, last?.port, (port) => ClusterServer.listen(port, parts));
    const url = `https://127.0.0.1:${server.port}`;
    writePrivate(accessFile, JSON.stringify({ token, port: server.port }));
    const text = kubeconfigText({ url, ca: identity.ca, token });
    const kubeconfigPath = join(dataDir, 'kubeconfig');
    writePrivate(kubeconfigPath, text);
    const stopControllers = startControllers({ objects, writes, events, ca: identity.ca, log, now });
    const proxy = new ServiceProxy(objects, log);
    proxy.start();
    kubelet.start();
    log.warn(
      { url, kubeconfigPath },
      'The embedded cluster runs pods as processes of this machine: they are not isolated from it or from each other, and container images are not used',
    );
    return {
      url,
      kubeconfigPath,
      kubeconfig: () => text,
      async stop(how) {
        // First the controllers, which would make the pods anew.
        stopControllers();
        if (how.pods === 'end') {
          const untilMs = Date.now() + how.graceSeconds * 1000 + 5_000;
          await endPods(objects, how.graceSeconds, untilMs);
        }
        stopping.abort();
        kubelet.detach();
        await proxy.stop();
        await server.close();
        database.close();
      },
    };
  } catch (error) {
    stopping.abort();
    database.close();
    throw error;
  }
}

async function listenAgain<T>(
  wanted: number | undefined,
  last: number | undefined,
  listen: (port: number) => Promise<T>,
): Promise<T> {
  if (wanted !== undefined || last === undefined) return listen(wanted ?? 0);
  try {
    return await listen(last);
  } catch (error) {
    if (systemErrorCode(error) !== 'EADDRINUSE') throw error;
    return listen(0);
  }
}

async function endPods(objects: ReturnType<typeof openObjects>, graceSeconds: number, untilMs: number): Promise<void> {
  const { deleteObject } = await import('./api/deletion.ts');
  for (const { metadata } of objects.pods.list()) {
    deleteObject(
      objects.pods,
      metadata.namespace ?? '',
      metadata.name,
      { gracePeriodSeconds: graceSeconds },
      new Date(),
    );
  }
  while (objects.pods.list().length > 0 && Date.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, endPollMs));
  }
}
