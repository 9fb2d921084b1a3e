import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { withKeepAlive } from '../../engine/kubernetes/client.ts';

const shared = join(import.meta.dirname, '..', '..', '..', 'shared');
const home = process.env['KUBE_HOME'] ?? '/var/lib/kube-local';
const up = [join(shared, 'kube', 'up'), join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'kube', 'up')].find(
  existsSync,
);

/** Why the real cluster cannot be started here; undefined when it can. */
export const realClusterMissing =
  up === undefined
    ? 'no scripts for a real cluster are beside this checkout'
    : process.getuid?.() === 0
      ? undefined
      : 'a real cluster needs root';

/** Under which the cluster's pods reach this machine: its node. */
export const machineAddress = '10.42.0.1';
export const registry = '127.0.0.1:5000';
/** The folder of the scripts for tests, beside the checkout. */
export const toolsFolder = join(up ?? shared, '..', '..', 'tools');

/**
 * Starts the cluster where it does not run. Fake nodes that a killed benchmark left would swallow pods: they go.
 * @returns the kubeconfig's path
 */
export function startRealCluster(): { readonly kubeconfigPath: string; readonly config: KubeConfig } {
  if (up === undefined) throw new Error(realClusterMissing);
  execFileSync(up, { stdio: 'ignore' });
  kubectl('delete', 'nodes', '-l', 'type=kwok');
  kubectl('uncordon', '-l', 'kubernetes.io/hostname=local');
  const kubeconfigPath = join(home, 'kubeconfig');
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  return { kubeconfigPath, config: withKeepAlive(config) };
}

/** @returns what kubectl printed */
export function kubectl(...words: readonly string[]): string {
  return execFileSync(join(home, 'bin', 'kubectl'), ['--kubeconfig', join(home, 'kubeconfig'), ...words], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
}

/** The same while this process goes on. */
export async function kubectlMeanwhile(...words: readonly string[]): Promise<string> {
  const file = join(home, 'bin', 'kubectl');
  const { stdout } = await promisify(execFile)(file, ['--kubeconfig', join(home, 'kubeconfig'), ...words]);
  return stdout;
}

/** Containerd's own client on the node. */
export function ctr(...words: readonly string[]): string {
  return execFileSync('ctr', ['--address', '/run/kube-local/containerd.sock', '-n', 'k8s.io', ...words], {
    encoding: 'utf8',
  });
}

/** Removes every namespace that a Slipway made. */
export function removeSlipwayNamespaces(): void {
  kubectl('delete', 'namespace', '-l', 'app.kubernetes.io/managed-by=slipway', '--wait=false');
}

/** Processes that make up the cluster, each to be killed, and started again as the cluster's own script does. */
export function clusterProcesses(): readonly {
  readonly name: string;
  kill(): Promise<void>;
  start(): Promise<void>;
}[] {
  return ['kube-apiserver', 'etcd', 'containerd', 'kubelet'].map((name) => ({
    name,
    async kill() {
      const id = Number(readFileSync(join(home, 'run', `${name}.pid`), 'utf8'));
      process.kill(id, 'SIGKILL');
      while (isAlive(id)) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    start: async () => void startRealCluster(),
  }));
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    // One that ended and was not waited for has no memory any more.
    return readFileSync(`/proc/${id}/statm`, 'utf8').split(' ')[0] !== '0';
  } catch {
    return false;
  }
}
