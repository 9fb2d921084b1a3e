import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { fetch as undiciFetch } from 'undici';
import { z } from 'zod';
import { requestTimeoutMs } from './client.ts';

const discoverySchema = z.object({ issuer: z.string() });

/** GETs from the API server with the kubeconfig's certificates and credentials. */
export async function clusterGet(config: KubeConfig, path: string): Promise<unknown> {
  const url = `${config.getCurrentCluster()?.server ?? ''}${path}`;
  const context = new RequestContext(url, HttpMethod.GET);
  await config.applySecurityAuthentication(context);
  const dispatcher = context.getDispatcher();
  const response = await undiciFetch(url, {
    headers: context.getHeaders(),
    signal: AbortSignal.timeout(requestTimeoutMs),
    ...(dispatcher === undefined ? {} : { dispatcher }),
  });
  if (!response.ok) throw new Error(`The cluster answered ${response.status} to GET ${path}`);
  return response.json();
}

/** As whom the cluster signs its pods' tokens. */
export async function tokenIssuer(config: KubeConfig): Promise<string> {
  return discoverySchema.parse(await clusterGet(config, '/.well-known/openid-configuration')).issuer;
}
