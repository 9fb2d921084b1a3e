import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { checkedKubeconfig } from '../../engine/kubeconfig.ts';
import { EngineError } from '../../engine/ports/errors.ts';
import type { GitHostSetup } from '../../providers/git-host-setup.ts';
import { agingMs, type Config, databaseFile, type EnvironmentConfig } from '../config.ts';
import { keptSecret, localPrograms } from '../embedded/embedded-slipway.ts';
import { stablePort } from '../embedded/free-port.ts';
import { readTenantSettings } from '../tenant-settings.ts';

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The kubeconfig of the cluster that the environment names, else of the cluster that this process runs in; undefined
 * where there is neither and the embedded one takes its place.
 */
export async function clusterFromEnvironment(environment: EnvironmentConfig): Promise<string | undefined> {
  const { KUBECONFIG, SLIPWAY_KUBECONFIG, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (SLIPWAY_KUBECONFIG !== undefined) return checkedKubeconfig(SLIPWAY_KUBECONFIG, 'foreign');
  if (KUBECONFIG !== undefined) return checkedKubeconfig(await readFile(KUBECONFIG, 'utf8'), 'operator');
  if (host === undefined || !existsSync(join(serviceAccount, 'token'))) return undefined;
  const config = new KubeConfig();
  // The client reads the token's file again as it is renewed, which a token in the text would not be.
  config.loadFromOptions({
    clusters: [
      {
        name: 'own',
        server: `https://${host.includes(':') ? `[${host}]` : host}:${port ?? '443'}`,
        caFile: join(serviceAccount, 'ca.crt'),
        skipTLSVerify: false,
      },
    ],
    users: [{ name: 'own', authProvider: { name: 'tokenFile', config: { tokenFile: join(serviceAccount, 'token') } } }],
    contexts: [{ name: 'own', cluster: 'own', user: 'own' }],
    currentContext: 'own',
  });
  return config.exportConfig();
}

async function readSettings(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new EngineError({
      code: 'invalid',
      what: `Reading ${path}`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'Correct SLIPWAY_SETTINGS, or leave it out',
      cause,
    });
  });
}

/** All settings: what the environment says, and stand-ins kept in the folder for what it leaves out. */
export async function settingsOf(facts: {
  readonly environment: EnvironmentConfig;
  readonly dataDir: string;
  readonly port: number;
  readonly kubeconfig: string;
  readonly isClusterEmbedded: boolean;
  readonly gitHosts: readonly GitHostSetup[];
}): Promise<Config> {
  const { environment, dataDir } = facts;
  const { SLIPWAY_AGENT_ADDRESS: advertise, MONGODB_URI: uri } = environment;
  return {
    dataDir,
    replica: environment.SLIPWAY_REPLICA ?? (uri === undefined ? 'local' : `${hostname()}-${process.pid}`),
    ...(environment.SLIPWAY_REPLICA_ADDRESS === undefined ? {} : { address: environment.SLIPWAY_REPLICA_ADDRESS }),
    listen: { host: environment.SLIPWAY_HOST, port: facts.port },
    agents:
      advertise === undefined
        ? { host: '127.0.0.1', port: await stablePort(join(dataDir, 'agent-port'), environment.SLIPWAY_AGENT_PORT) }
        : { host: '0.0.0.0', port: environment.SLIPWAY_AGENT_PORT, advertise },
    database: uri === undefined ? { type: 'embedded', file: databaseFile(dataDir) } : { type: 'mongodb', uri },
    kubeconfig: facts.kubeconfig,
    agentImage: environment.SLIPWAY_AGENT_IMAGE,
    ...(facts.isClusterEmbedded ? { agentPrograms: localPrograms(dataDir) } : networkPoliciesOf(environment)),
    tenants: readTenantSettings(await readSettings(environment.SLIPWAY_SETTINGS), {
      path: environment.SLIPWAY_SETTINGS ?? '',
      images: environment.SLIPWAY_IMAGES,
      poolSlots: environment.SLIPWAY_POOL_SLOTS,
    }),
    images: environment.SLIPWAY_IMAGES,
    gitHosts: facts.gitHosts,
    retention: { logMs: environment.SLIPWAY_LOG_DAYS, artifactMs: environment.SLIPWAY_ARTIFACT_DAYS },
    slots: {
      teamSlots: environment.SLIPWAY_TEAM_SLOTS,
      poolSlots: environment.SLIPWAY_POOL_SLOTS,
      ageAfterMs: agingMs,
    },
    ...(environment.SLIPWAY_PUBLIC_URL === undefined ? {} : { url: environment.SLIPWAY_PUBLIC_URL }),
    ...(await encryptionKeysOf(environment, dataDir)),
    apiToken: environment.SLIPWAY_API_TOKEN ?? (await keptSecret(join(dataDir, 'api-token'))),
  };
}

/** The embedded cluster enforces none, whatever the environment says of the real one. */
function networkPoliciesOf({ SLIPWAY_NETWORK_POLICIES: policies }: EnvironmentConfig): Pick<Config, 'networkPolicies'> {
  return policies === undefined ? {} : { networkPolicies: policies };
}

/** A key that is made here is kept here: replicas that share a database have to be given theirs. */
async function encryptionKeysOf(
  { SLIPWAY_ENCRYPTION_KEY: given, MONGODB_URI: uri }: EnvironmentConfig,
  dataDir: string,
): Promise<Pick<Config, 'encryptionKeys'>> {
  if (given !== undefined) return { encryptionKeys: given.split(/\s+/).filter((key) => key !== '') };
  return uri === undefined ? { encryptionKeys: [await keptSecret(join(dataDir, 'encryption-key'))] } : {};
}
