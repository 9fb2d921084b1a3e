import { type EmbeddedClusterOptions, startEmbeddedCluster } from './cluster.ts';

/**
 * Runs the cluster as a process of its own until SIGINT or SIGTERM; pods go on, and the next start takes them over.
 * @param print gets the lines that a person reads
 * @throws Error as startEmbeddedCluster does
 */
export async function runEmbeddedCluster(
  options: EmbeddedClusterOptions & { readonly print: (line: string) => void },
): Promise<void> {
  const { print, ...rest } = options;
  const signalled = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  const cluster = await startEmbeddedCluster(rest);
  print(`Cluster:    ${cluster.url}`);
  print(`Kubeconfig: ${cluster.kubeconfigPath}`);
  print(`Try:        KUBECONFIG=${cluster.kubeconfigPath} kubectl get pods -A`);
  print('Pods are processes of this machine: they are not isolated, and container images are not used.');
  await signalled;
  await cluster.stop({ pods: 'leave' });
}
