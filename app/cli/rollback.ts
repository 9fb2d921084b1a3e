import { Command } from 'commander';
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import { clientOf, outputOf, type ServerOptions, withServerOptions } from './output.ts';

export function rollbackCommand(): Command {
  return withServerOptions(new Command('rollback'))
    .description('bring an environment back to a revision that was live before (the previous one by default)')
    .argument('<environment>', 'name of the environment')
    .argument('[revision]', 'number of the revision')
    .option('--repository <owner/name>', 'whose environment, where several have one of that name')
    .action(
      async (environment: string, revision: string | undefined, options: ServerOptions & { repository?: string }) => {
        const output = outputOf(options);
        const client = await clientOf(options);
        const number = revision === undefined ? undefined : Number(revision);
        if (number !== undefined && !(Number.isInteger(number) && number > 0)) {
          throw new CliError(`"${revision}" is no revision number`, 'Revisions count 1, 2, 3, ... per environment');
        }
        const body = { repository: options.repository, revision: number };
        const done = await client.post(
          `/environments/${encodeURIComponent(environment)}/rollback`,
          body,
          z.object({ message: z.string() }),
        );
        if (output.json) output.value(done);
        else output.line(done.message);
      },
    );
}
