import { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { clusterGet } from '../../engine/kubernetes/cluster-fetch.ts';
import { EngineError } from '../../engine/ports/errors.ts';
import { gitVersion } from './cluster/api/discovery.ts';

const versionSchema = z.object({ gitVersion: z.string() });

/**
 * Whether a kubeconfig leads to an embedded cluster that runs as a process of its own. It uses no images, so its pods
 * start Slipway's programs from this machine. Only a cluster on loopback is asked: an embedded one is nowhere else.
 * @throws EngineError `unavailable`
 */
export async function isEmbeddedCluster(kubeconfig: string): Promise<boolean> {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const server = config.getCurrentCluster()?.server ?? '';
  if (!server.startsWith('https://127.0.0.1:')) return false;
  try {
    return versionSchema.parse(await clusterGet(config, '/version')).gitVersion === gitVersion;
  } catch (cause) {
    throw new EngineError({
      code: 'unavailable',
      what: `Asking the cluster at ${server}`,
      why: 'It does not answer as a cluster does',
      fix: 'Start it (`slipway embedded cluster`), or correct or unset KUBECONFIG',
      cause,
    });
  }
}
