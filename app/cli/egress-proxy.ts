import { once } from 'node:events';
import { Command } from 'commander';
import { startEgressProxy } from '../../engine/egress-proxy.ts';
import { ports, wholeNumber } from './output.ts';

interface EgressProxyOptions {
  readonly port: string;
  readonly name: readonly string[];
  readonly trusted: readonly string[];
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

const gather = (value: string, before: readonly string[]) => [...before, value];

/** Started by Slipway in the cluster, for tenants whose stages reach named hosts alone. */
export function egressProxyCommand(): Command {
  return new Command('egress-proxy')
    .description('lead stages to named hosts alone; Slipway starts it in the cluster by itself')
    .option('--port <port>', 'port to listen on', '3128')
    .option('--name <host>', 'a host that may be reached: example.com, *.example.com, example.com:8443', gather, [])
    .option('--trusted <host>', 'such a host that may be at a private address', gather, [])
    .option('--allow <network>', 'a private network that names may lead to', gather, [])
    .option('--deny <network>', 'a public network that they may not', gather, [])
    .action(async ({ port, name, trusted, allow, deny }: EgressProxyOptions) => {
      const proxy = await startEgressProxy({
        rules: { names: name, trusted, allow, deny },
        host: '::',
        port: wholeNumber('--port', port, ports),
        onRefusal: (why) => process.stderr.write(`${why}\n`),
      });
      process.stderr.write(
        `Leading to ${name.length === 0 ? 'no host, as no --name is given,' : name.join(', ')} on port ${proxy.port}\n`,
      );
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
      await proxy.stop();
      process.exit(0);
    });
}
