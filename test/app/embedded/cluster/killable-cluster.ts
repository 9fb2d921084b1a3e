import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { ClusterAccess } from '../../../contract/cluster-access.ts';
import { testFolder } from './start.ts';

/** A cluster in a process that can be killed and started again on the same folder. */
export class KillableCluster {
  readonly dataDir = testFolder();
  #process: ChildProcess | undefined;

  /** Resolves when it serves. */
  async start(): Promise<ClusterAccess> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'cluster-process.ts'), this.dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => line.startsWith('Kubeconfig') && resolve());
      child.on('exit', (code) => reject(new Error(`The cluster ended with ${code}`)));
    });
    const config = new KubeConfig();
    config.loadFromString(readFileSync(join(this.dataDir, 'kubeconfig'), 'utf8'));
    return new ClusterAccess(config, 'default');
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async close(): Promise<void> {
    const config = new KubeConfig();
    config.loadFromString(readFileSync(join(this.dataDir, 'kubeconfig'), 'utf8'));
    const core = config.makeApiClient(CoreV1Api);
    await core.deleteCollectionNamespacedPod({ namespace: 'default', gracePeriodSeconds: 0 });
    for (;;) {
      const { items } = await core.listNamespacedPod({ namespace: 'default' });
      if (items.length === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await this.kill('SIGTERM');
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}
