import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { TokenSigner } from '../access/tokens.ts';
import { isRecord } from '../objects/selectors.ts';
import type { Kubelet } from '../pods/kubelet.ts';
import { sendLog } from '../pods/pod-logs.ts';
import type { Objects } from '../store/objects.ts';
import { deleteObject, parseDeleteOptions } from './deletion.ts';
import type { Subresources } from './handler.ts';
import { type ResourcePath, readBody, withoutNulls } from './request.ts';
import { sendJson } from './respond.ts';
import { badRequest, notFound } from './status-error.ts';

const TokenRequest = z.looseObject({
  spec: z.looseObject({
    audiences: z.array(z.string()).default([]),
    expirationSeconds: z.number().int().min(600).default(3600),
  }),
});

/** Pod logs and eviction, and tokens of service accounts. */
export class ClusterSubresources implements Subresources {
  readonly #objects: Objects;
  readonly #kubelet: Kubelet;
  readonly #signer: TokenSigner;
  readonly #now: () => Date;
  readonly #stopped: AbortSignal;

  constructor(parts: {
    readonly objects: Objects;
    readonly kubelet: Kubelet;
    readonly signer: TokenSigner;
    readonly now: () => Date;
    readonly stopped: AbortSignal;
  }) {
    this.#objects = parts.objects;
    this.#kubelet = parts.kubelet;
    this.#signer = parts.signer;
    this.#now = parts.now;
    this.#stopped = parts.stopped;
  }

  async serve(path: ResourcePath, url: URL, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { group, plural, namespace = '', name = '', subresource } = path;
    if (group !== '' || subresource === undefined) return false;
    const what = `${request.method} ${plural}/${subresource}`;
    if (what === 'GET pods/log') {
      const pod = this.#objects.pods.get(namespace, name);
      const worker = this.#kubelet.worker(pod.metadata.uid);
      if (worker === undefined) throw badRequest(`pod ${name} does not have a host assigned`);
      await sendLog(pod, worker, url.searchParams, response, { now: this.#now(), stopped: this.#stopped });
      return true;
    }
    if (what === 'POST pods/eviction') {
      const body = (await readBody(request)).value;
      const options = parseDeleteOptions(isRecord(body) ? body['deleteOptions'] : undefined, url.searchParams);
      deleteObject(this.#objects.pods, namespace, name, options, this.#now());
      sendJson(response, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
      return true;
    }
    if (what === 'POST serviceaccounts/token') {
      sendJson(response, 201, await this.#issueToken(namespace, name, (await readBody(request)).value));
      return true;
    }
    return false;
  }

  async #issueToken(namespace: string, name: string, body: unknown): Promise<object> {
    const account = this.#objects.serviceAccounts.find(namespace, name);
    if (account === undefined) throw notFound(this.#objects.serviceAccounts.resource, name);
    const parsed = TokenRequest.safeParse(withoutNulls(body));
    if (!parsed.success) throw badRequest(`TokenRequest: ${z.prettifyError(parsed.error)}`);
    const { audiences, expirationSeconds } = parsed.data.spec;
    const now = this.#now();
    const subject = { namespace, serviceAccount: { name, uid: account.metadata.uid } };
    const token = await this.#signer.sign(subject, { audiences, expirationSeconds, now });
    return {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace },
      spec: { audiences, expirationSeconds },
      status: { token, expirationTimestamp: new Date(now.getTime() + expirationSeconds * 1000).toISOString() },
    };
  }
}
