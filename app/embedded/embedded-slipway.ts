import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { SlotRules } from '../../engine/core/schedule.ts';
import { ifThere } from '../../engine/system-error.ts';
import type { GitHostSetup } from '../../providers/git-host-setup.ts';
import { gitHubSetup } from '../../providers/github/setup.ts';
import { agingMs, type Config, databaseFile } from '../config.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from './cluster/cluster.ts';
import { stablePort } from './free-port.ts';

const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
const agentFolder = join(import.meta.dirname, '..', '..', 'engine', 'agent');

/**
 * How the embedded cluster's pods start Slipway's programs: from this very checkout or package. Compiled code is kept
 * in the data folder, which halves an agent's start.
 */
export function localPrograms(dataDir: string): NonNullable<Config['agentPrograms']> {
  const node = ['/usr/bin/env', `NODE_COMPILE_CACHE=${join(dataDir, 'compile-cache')}`, process.execPath];
  return {
    agent: [...node, join(agentFolder, `main.${extension}`)],
    fetchArtifact: [...node, join(agentFolder, `fetch-artifact.${extension}`)],
  };
}

export const defaultSlots: SlotRules = { teamSlots: 4, poolSlots: 40, ageAfterMs: agingMs };

/** The settings of a Slipway whose database and cluster are embedded. */
export async function embeddedConfig(facts: {
  readonly dataDir: string;
  readonly cluster: EmbeddedCluster;
  readonly gitHosts?: readonly GitHostSetup[];
  readonly slots: SlotRules;
  readonly port: number;
  readonly url?: string;
}): Promise<Config> {
  const { dataDir } = facts;
  return {
    dataDir,
    replica: 'local',
    listen: { host: '127.0.0.1', port: facts.port },
    agents: { host: '127.0.0.1', port: await stablePort(join(dataDir, 'agent-port')) },
    database: { type: 'embedded', file: databaseFile(dataDir) },
    kubeconfig: facts.cluster.kubeconfig(),
    agentImage: 'slipway/agent',
    agentPrograms: localPrograms(dataDir),
    gitHosts: facts.gitHosts ?? [],
    slots: facts.slots,
    apiToken: await keptSecret(join(dataDir, 'api-token')),
    encryptionKeys: [await keptSecret(join(dataDir, 'encryption-key'))],
    ...(facts.url === undefined ? {} : { url: facts.url }),
  };
}

/** The embedded Git host, as the App that is installed there sees it. */
export function embeddedGitHub(
  host: { readonly apiUrl: string },
  app: { readonly appId: number; readonly privateKey: string },
  webhookSecret: string,
): GitHostSetup {
  const { appId, privateKey } = app;
  return gitHubSetup({ appId, privateKey, webhookSecrets: [webhookSecret], baseUrl: host.apiUrl });
}

export async function openCluster(dataDir: string, log: Logger): Promise<EmbeddedCluster> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  return startEmbeddedCluster({ dataDir: join(dataDir, 'cluster'), log });
}

/** A random secret that stays the same over restarts; readable by its user alone. */
export async function keptSecret(file: string): Promise<string> {
  // One that cannot be read now is no missing one: in its place nothing it encrypted could be read again.
  const kept = await ifThere(readFile(file, 'utf8'));
  if (kept !== undefined) return kept;
  const made = randomBytes(32).toString('base64url');
  await writeFile(file, made, { mode: 0o600 });
  return made;
}
