import { once } from 'node:events';
import { join } from 'node:path';
import { Command } from 'commander';
import { pino } from 'pino';
import { startEmbeddedCluster } from '../embedded/cluster/cluster.ts';
import { defaultDataDir } from './client.ts';
import { outputOf, ports, wholeNumber } from './output.ts';

export function embeddedCommand(): Command {
  return new Command('embedded').description('run a stand-in as a process of its own').addCommand(
    new Command('cluster')
      .description('a Kubernetes API on this machine, whose pods are local processes')
      .option('--data <folder>', 'where it keeps its state', join(defaultDataDir(process.env), 'cluster'))
      .option('--port <port>', 'port on 127.0.0.1')
      .option('--json', 'print JSON')
      .action(async (options: { data: string; port?: string; json?: boolean }) => {
        const output = outputOf(options);
        const cluster = await startEmbeddedCluster({
          dataDir: options.data,
          log: pino({ level: 'warn' }, process.stderr),
          ...(options.port === undefined ? {} : { port: wholeNumber('--port', options.port, ports) }),
        });
        if (output.json) output.value({ url: cluster.url, kubeconfig: cluster.kubeconfigPath });
        else output.line(`${cluster.url}\nkubectl --kubeconfig ${cluster.kubeconfigPath} get pods -A`);
        await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
        await cluster.stop({ pods: 'leave' });
        process.exit(0);
      }),
  );
}
