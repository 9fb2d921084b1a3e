import { ApiException, HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { fetch as undiciFetch } from 'undici';
import { z } from 'zod';
import { requestTimeoutMs } from './client.ts';

const discoverySchema = z.object({ issuer: z.string() });

/** What every object has that is sent to the API server. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** GETs from the API server with the kubeconfig's certificates and credentials. @throws ApiException */
export function clusterGet(config: KubeConfig, path: string): Promise<unknown> {
  return request(config, HttpMethod.GET, path);
}

/** Asks the API server something by a POST that makes nothing, such as a review. @throws ApiException */
export function clusterAsk(config: KubeConfig, path: string, question: object): Promise<unknown> {
  return request(config, HttpMethod.POST, path, { type: 'application/json', body: question });
}

/** Sets the object's fields as ours on the server, whoever set them before. @throws ApiException */
export function clusterApply(config: KubeConfig, path: string, object: ApiObject): Promise<unknown> {
  return request(config, HttpMethod.PATCH, `${path}?fieldManager=slipway&force=true`, {
    type: 'application/apply-patch+yaml',
    body: object,
  });
}

/** Deletes an object, and what hangs on it in the background. @throws ApiException */
export function clusterDelete(config: KubeConfig, path: string): Promise<unknown> {
  return request(config, HttpMethod.DELETE, path);
}

async function request(
  config: KubeConfig,
  method: HttpMethod,
  path: string,
  sent?: { readonly type: string; readonly body: object },
): Promise<unknown> {
  const url = `${config.getCurrentCluster()?.server ?? ''}${path}`;
  const context = new RequestContext(url, method);
  await config.applySecurityAuthentication(context);
  const dispatcher = context.getDispatcher();
  const response = await undiciFetch(url, {
    method,
    headers: {
      ...context.getHeaders(),
      ...(sent === undefined ? {} : { 'content-type': sent.type }),
    },
    signal: AbortSignal.timeout(requestTimeoutMs),
    ...(sent === undefined ? {} : { body: JSON.stringify(sent.body) }),
    ...(dispatcher === undefined ? {} : { dispatcher }),
  });
  if (!response.ok) throw new ApiException(response.status, `${method} ${path}`, await response.text(), {});
  return response.json();
}

/** As whom the cluster signs its pods' tokens. */
export async function tokenIssuer(config: KubeConfig): Promise<string> {
  return discoverySchema.parse(await clusterGet(config, '/.well-known/openid-configuration')).issuer;
}
