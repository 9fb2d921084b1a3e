import { Argument, Command } from 'commander';
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import { clientOf, outputOf, printable, type ServerOptions, withServerOptions } from './output.ts';

const newsSchema = z.union([
  z.object({ path: z.string(), made: z.array(z.string()), refused: z.string().optional() }),
  z.object({ error: z.string(), fix: z.string() }),
]);

export function labelsCommand(): Command {
  return withServerOptions(new Command('labels'))
    .description('make the labels hotfix, hold and skip-deploy in the repositories that Slipway works in')
    .addArgument(new Argument('<host>', 'which Git host').choices(['github', 'gitlab', 'gitea']))
    .option('--repository <owner/name>', 'in this repository alone')
    .action(async (provider: string, options: ServerOptions & { readonly repository?: string }) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const body = { provider, repository: options.repository };
      for await (const news of client.lines('/labels', body, newsSchema)) {
        if ('error' in news) throw new CliError(news.error, news.fix);
        const { path, made, refused } = news;
        if (refused !== undefined) process.exitCode = 1;
        if (output.json) process.stdout.write(`${JSON.stringify(news)}\n`);
        else if (refused !== undefined)
          output.line(`${output.paint('red', '✗')} ${printable(path).padEnd(32)} ${printable(refused)}`);
        else
          output.line(
            `${output.paint('green', '✓')} ${printable(path).padEnd(32)} ${made.length === 0 ? 'has them' : `made ${made.join(', ')}`}`,
          );
      }
    });
}
