import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { type EmbeddedCluster, startEmbeddedCluster } from '../../../../app/embedded/cluster/cluster.ts';

export interface TestCluster {
  readonly cluster: EmbeddedCluster;
  readonly config: KubeConfig;
  readonly dataDir: string;
  /** Lines of the log at warning or above, besides the one about isolation. */
  readonly faults: string[];
  close(): Promise<void>;
}

export function testFolder(): string {
  return mkdtempSync(join(tmpdir(), 'slipway-cluster-'));
}

/** Starts a cluster in a folder of its own, whose containers restart without much waiting. */
export async function startTestCluster(dataDir: string = testFolder()): Promise<TestCluster> {
  const faults: string[] = [];
  const tell = (facts: object, message: string): void => {
    if (!message.includes('not isolated')) faults.push(`${message} ${'err' in facts ? String(facts.err) : ''}`);
  };
  const log = { info: () => undefined, warn: tell, error: tell };
  const cluster = await startEmbeddedCluster({ dataDir, log, backoffMs: 100 });
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig());
  return {
    cluster,
    config,
    dataDir,
    faults,
    close: async () => {
      await cluster.stop({ pods: 'end', graceSeconds: 0 });
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
